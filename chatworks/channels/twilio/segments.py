"""How many SMS a text makes: GSM-7 with its extension table, else UCS-2. Pure.

An SMS holds 160 septets of GSM-7 or 70 units of UCS-2; of a longer text each holds 153 or 67, and
neither an escaped character nor a surrogate pair is parted (3GPP TS 23.038 and 23.040). *Smart
encoding* is Twilio's replacement of characters that only look different, before it counts; its
table is Twilio's published one (message-segment-calculator, MIT).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from chatworks.channels.models import Plan

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # two septets each: an escape and the character
ONE_SEPTETS, PART_SEPTETS = 160, 153
ONE_UNITS, PART_UNITS = 70, 67

# What smart encoding puts in place of other characters. The table's own oddities are kept: ‹ and ›
# change sides, and a wide space becomes two.
_LOOKS_LIKE = {
    '"': "«»“”ʺˮ‟❝❞〝〞＂„",
    "'": "‘’ʻˈʼʽʹ‛＇´ˊ`ˋ❛❜\u0313\u0314︐︑‗",
    "/": "÷⧸\u0337\u0338⁄∕／",
    "\\": "⧹⧵\u20e5﹨＼",
    "_": "\u0332＿",
    "|": "\u20d2\u20d3∣｜⎸⎹⏐⎜⎟",
    "-": "⎼⎽―﹣－‐⁃—–•",
    "@": "﹫＠",
    "$": "﹩＄",
    "!": "ǃ︕﹗！",
    "#": "﹟＃",
    "%": "﹪％",
    "&": "﹠＆",
    ",": "‚\u0326﹐﹑，､、",
    "(": "❨❪﹙（⟮⦅",
    ")": "❩❫﹚）⟯⦆",
    "*": "⁎∗⊛✢✣✤✥✱✲✳✺✻✼✽❃❉❊❋⧆﹡＊",
    "+": "˖﹢＋",
    ".": "。﹒．｡",
    ":": "ː˸⦂꞉︓：",
    ";": "⁏︔﹔；",
    "<": "﹤＜›",
    "=": "\u0347﹦＝",
    ">": "﹥＞‹",
    "?": "︖﹖？",
    "^": "ˆ\u0302＾\u1dcd",
    "{": "❴﹛｛",
    "}": "❵﹜｝",
    "[": "［",
    "]": "］",
    "~": "˜˷\u0303\u0330\u0334∼～",
    "1/4": "¼",
    "1/2": "½",
    "3/4": "¾",
    "!!": "‼",
    "...": "…",
    " ": "\u2028\u2029\u2001",
    "  ": "\u00a0\u2000\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
    "\u008d\u009f\u0080\u0090\u009b",
    "       ": "\t",
    "": "\u0010\u0003\u0004\u0017\u0019\u0011\u0012\u0013\u0014\u2060\u200b\ufeff",
}
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "ABCDEFGHIJKLMNOPRSTUVWYZ", strict=True))
_WIDE = {
    wide: unicodedata.normalize("NFKC", wide)
    for wide in map(chr, [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B)])
}
_SMART = str.maketrans(
    {c: instead for instead, found in _LOOKS_LIKE.items() for c in found} | _SMALL_CAPITALS | _WIDE
)


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text makes: how many SMS, in which alphabet, and the length in its units."""

    count: int
    alphabet: str  # GSM-7 or UCS-2
    units: int
    left: int  # how many units more the last one takes


def smart(text: str) -> str:
    """Return what Twilio's smart encoding makes of ``text``."""
    return text.translate(_SMART)


def segments(text: str, *, encoded: bool = True) -> Segments:
    """Return the SMS that ``text`` makes; ``encoded``: Twilio's smart encoding is on."""
    if encoded:
        text = smart(text)
    if all(c in BASIC or c in EXTENSION for c in text):
        sizes = [2 if c in EXTENSION else 1 for c in text]
        return _count(sizes, "GSM-7", ONE_SEPTETS, PART_SEPTETS)
    sizes = [2 if ord(c) > 0xFFFF else 1 for c in text]  # noqa: PLR2004 - beyond: a surrogate pair
    return _count(sizes, "UCS-2", ONE_UNITS, PART_UNITS)


def _count(sizes: list[int], alphabet: str, one: int, part: int) -> Segments:
    units = sum(sizes)
    if units <= one:
        return Segments(1, alphabet, units, one - units)
    count, filled = 1, 0
    for size in sizes:
        if filled + size > part:
            count, filled = count + 1, 0
        filled += size
    return Segments(count, alphabet, units, part - filled)


def of_plan(plan: Plan) -> int:
    """Return how many SMS the texts of a plan make together."""
    return sum(segments(part.params["Body"]).count for part in plan.parts)
