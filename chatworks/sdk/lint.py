"""Finds in an applet's code what cannot be replayed, or will surprise its author. Pure.

``check`` reads one module as text; nothing of it is run. Each *finding* names a rule, a line, and
what to do instead. The lint keeps honest code honest; it does not confine a hostile one.

The rules: ``import`` (only the sdk, features' models and harmless parts of Python), ``call`` (no
clock, no randomness, no I/O), ``order`` (a set has another order in every process), ``await`` (only
of ``chat``), ``forgotten-await``, ``except`` (nothing broader than the refusals that are meant),
``global`` and ``module-state`` (an applet keeps nothing between turns), ``text`` (a text is a
literal, with a value for each field, so that it can be translated).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Any

HARMLESS: dict[
    str, Collection[str] | None
] = {  # modules that an applet may import; None is the whole module
    "__future__": None,
    "chatworks.sdk": None,
    "collections": None,
    "collections.abc": None,
    "dataclasses": None,
    "datetime": {"UTC", "date", "datetime", "time", "timedelta", "timezone"},
    "decimal": None,
    "enum": None,
    "functools": None,
    "itertools": None,
    "math": None,
    "re": None,
    "typing": None,
    "types": {"MappingProxyType"},
    "uuid": {"UUID"},
}
NOT_PURE = frozenset(
    {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint", "globals"}
    | {"setattr", "delattr", "hash", "id"}
)
ORDERED = frozenset({"list", "tuple", "enumerate", "iter", "next"})  # what keeps an order
CLOCKS = frozenset({"now", "utcnow", "today"})
BROAD = frozenset({"Exception", "BaseException"})
MUTABLE_CALLS = frozenset({"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter"})
MUTATORS = frozenset(
    {"append", "add", "update", "extend", "insert", "pop", "clear", "remove", "setdefault"}
)
SAYING = {  # the methods of chat that take a text, and the keywords that are none of its fields
    "say": frozenset[str](),
    "text": frozenset[str](),
    "ask": frozenset({"input", "timeout"}),
    "choose": frozenset({"options", "label", "card", "timeout"}),
    "confirm": frozenset({"card", "timeout"}),
}
AWAITED = frozenset(
    {"say", "send", "show", "ask", "choose", "confirm", "form", "do", "now", "restart"}
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place that needs its author."""

    path: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.advice}"


@dataclass(frozen=True, slots=True)
class Said:
    """One text that an applet says, and the fields that it is given."""

    msgid: str
    line: int


def check(source: str, path: str, package: str) -> list[Finding]:
    """Return what is wrong in a module of the applet in ``package`` (its folder's name)."""
    try:
        tree = ast.parse(source, path)
    except SyntaxError as error:
        return [
            Finding(path, error.lineno or 1, "syntax", f"Python cannot read this: {error.msg}.")
        ]
    module = _Module(tree, package)
    found = {Finding(path, line, rule, advice) for line, rule, advice in module.findings()}
    return sorted(found)


def said(source: str) -> list[Said]:
    """Return every text that a module says, in order."""
    tree = ast.parse(source)
    chats = _chats(tree)
    return [
        Said(call.args[0].value, call.lineno)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and _method(call, chats) in SAYING
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]


def fields(text: str) -> frozenset[str]:
    """Return the names of a text's fields; raises ``ValueError`` where its braces do not match."""
    parsed = Formatter().parse(text)
    return frozenset(name.partition(".")[0].partition("[")[0] for _, name, _, _ in parsed if name)


Problem = tuple[int, str, str]


class _Module:
    """One module's tree, and what its names mean."""

    def __init__(self, tree: ast.Module, package: str) -> None:
        self._tree = tree
        self._package = package
        self._chats = _chats(tree)
        self._own = {n.name for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef)}
        self._imported = {
            name.asname or name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and self._is_own(node.module or "", node.level)
            for name in node.names
        }
        self._state = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

        self._awaited = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Await)}

    def findings(self) -> Iterator[Problem]:
        """Return every problem, rule by rule."""
        rules: dict[type[ast.AST], Callable[[Any], Iterator[Problem]]] = {
            ast.Module: self._module_state,
            ast.Import: self._imports,
            ast.ImportFrom: self._imports,
            ast.Call: self._calls,
            ast.Await: self._awaits,
            ast.AsyncFor: self._foreign,
            ast.AsyncWith: self._foreign,
            ast.Global: self._global,
            ast.Nonlocal: self._global,
            ast.Assign: self._assigns,
            ast.AugAssign: self._assigns,
            ast.ExceptHandler: self._excepts,
            ast.For: self._loops,
            ast.comprehension: self._loops,
        }
        for node in ast.walk(self._tree):
            if type(node) in rules:
                yield from rules[type(node)](node)

    # -- each rule ---------------------------------------------------------------------------

    def _is_own(self, module: str, level: int) -> bool:
        ours = (self._package, f"chatworks.applets.{self._package}")
        return level == 1 or any(module == own or module.startswith(f"{own}.") for own in ours)

    def _imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[Problem]:
        if isinstance(node, ast.Import):
            wanted = [(name.name, "", 0) for name in node.names]
        else:
            wanted = [(node.module or "", name.name, node.level) for name in node.names]
        for module, name, level in wanted:
            parts = module.split(".")
            models = len(parts) == 3 and parts[0] == "chatworks" and parts[2] == "models"  # noqa: PLR2004 - chatworks.<feature>.models
            if models or self._is_own(module, level):
                continue
            names: Collection[str] | None = HARMLESS.get(module, ())
            if names is not None and name not in names:
                called = f"{module}.{name}" if name else module
                yield node.lineno, "import", f"{called} {_IMPORTS}"

    def _calls(self, node: ast.Call) -> Iterator[Problem]:
        method = _method(node, self._chats)
        if method in AWAITED and id(node) not in self._awaited:
            advice = f"write “await chat.{method}(…)”: without it nothing happens."
            yield node.lineno, "forgotten-await", advice
        if method in SAYING:
            yield from _text(node, method)
        if not method:
            yield from self._impure(node)

    def _impure(self, node: ast.Call) -> Iterator[Problem]:
        called, name = node.func, _name(node.func)
        if isinstance(called, ast.Name) and name in NOT_PURE:
            yield node.lineno, "call", f"{name}() {_PURE}"
        if isinstance(called, ast.Name) and name in ORDERED and any(map(_is_set, node.args)):
            yield node.lineno, "order", _SORTED
        if isinstance(called, ast.Attribute) and name in CLOCKS:
            yield node.lineno, "call", f"{name}() {_PURE}"
        if isinstance(called, ast.Attribute) and name in MUTATORS and self._is_state(called.value):
            yield node.lineno, "global", _KEEPS

    def _awaits(self, node: ast.Await) -> Iterator[Problem]:
        call = node.value
        if isinstance(call, ast.Call):
            owner = call.func.value if isinstance(call.func, ast.Attribute) else None
            ours = _name(call.func) in self._own | self._imported or _name(owner) in self._imported
            if ours or _method(call, self._chats) in AWAITED:
                return
        yield node.lineno, "await", _ONLY_CHAT

    def _foreign(self, node: ast.AsyncFor | ast.AsyncWith) -> Iterator[Problem]:
        yield node.lineno, "await", _ONLY_CHAT

    def _global(self, node: ast.Global | ast.Nonlocal) -> Iterator[Problem]:
        yield node.lineno, "global", _KEEPS

    def _loops(self, node: ast.For | ast.comprehension) -> Iterator[Problem]:
        if _is_set(node.iter):
            yield node.iter.lineno, "order", _SORTED

    def _excepts(self, node: ast.ExceptHandler) -> Iterator[Problem]:
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if any(kind is None or _name(kind) in BROAD for kind in types):
            yield node.lineno, "except", _REFUSALS

    def _assigns(self, node: ast.Assign | ast.AugAssign) -> Iterator[Problem]:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript) and self._is_state(target.value):
                yield node.lineno, "global", _KEEPS

    def _is_state(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self._state

    def _module_state(self, module: ast.Module) -> Iterator[Problem]:
        displays = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
        for node in module.body:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            called = _name(value.func) if isinstance(value, ast.Call) else ""
            if isinstance(value, displays) or called in MUTABLE_CALLS:
                yield node.lineno, "module-state", _CONSTANT


_IMPORTS = (
    "cannot be used in an applet: import chatworks.sdk, the models of a feature, and what computes "
    "without I/O, clock or chance."
)
_PURE = (
    "cannot be replayed: time comes from “await chat.now()”, everything else of the world from "
    "“await chat.do(…)”."
)
_ONLY_CHAT = "await only chat's methods, and your own functions that do: nothing else is recorded."
_KEEPS = "an applet keeps nothing between turns: pass the value on, or “await chat.restart(state)”."
_CONSTANT = (
    "a list, dict or set of a module can be changed by one conversation and read by another: use a "
    "tuple, a frozenset or MappingProxyType."
)
_SORTED = "a set has another order in every process: go through sorted(…) of it."
_REFUSALS = "name the refusals that you expect: anything broader hides defects of the applet."


def _text(node: ast.Call, method: str) -> Iterator[Problem]:
    """Check what is said: a literal, and a value for each of its fields."""
    first = node.args[0] if node.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        yield node.lineno, "text", _LITERAL
        return
    if any(keyword.arg is None for keyword in node.keywords):
        return  # **values: only the run knows
    given = {keyword.arg for keyword in node.keywords if keyword.arg} - SAYING[method]
    try:
        wanted = fields(first.value)
    except ValueError as error:
        yield node.lineno, "text", f"the braces of this text do not match: {error}."
        return
    if wanted != given and (wanted or given):
        missing, needless = sorted(wanted - given), sorted(given - wanted)
        what = [f"give a value for {{{name}}}" for name in missing]
        what += [f"{name} is in no field of the text" for name in needless]
        yield node.lineno, "text", f"{'; '.join(what)}."


_LITERAL = (
    "the text must stand here as a literal, with {fields} for what changes: only then can it be "
    "found and translated."
)


def _chats(tree: ast.Module) -> frozenset[str]:
    """Return the names of arguments that are a ``Chat``."""
    return frozenset(
        argument.arg
        for function in ast.walk(tree)
        if isinstance(function, Function)
        for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        if argument.annotation is not None and ast.unparse(argument.annotation).startswith("Chat")
    ) | {"chat"}


def _method(call: ast.Call, chats: frozenset[str]) -> str:
    """Return which method of ``chat`` is called, or nothing."""
    called = call.func
    of_chat = isinstance(called, ast.Attribute) and _name(called.value) in chats
    return called.attr if of_chat and isinstance(called, ast.Attribute) else ""


def _name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_set(node: ast.expr) -> bool:
    called = _name(node.func) if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.Set | ast.SetComp) or called in {"set", "frozenset"}
