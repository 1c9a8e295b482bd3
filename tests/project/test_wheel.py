"""The wheel holds the whole product: built, installed alone, started elsewhere, and asked."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Running, environment, free_port

ROOT = Path(__file__).parents[2]
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
PAGES = [
    "/",
    "/o/majipro",
    "/o/majipro?lang=sw",
    "/o/majipro/privacy",
    "/o/majipro/brand.css",
    "/w/majipro",
    "/widget.js",
    "/console/sign-in",
    "/healthz",
    "/readyz",
    "/metrics",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - ours
    (made,) = folder.glob("chatworks-*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_it_holds_everything_that_the_product_reads_and_nothing_else(names: list[str]) -> None:
    kinds = ("sql", "toml", "html", "po", "css", "js", "svg", "py", "bin")
    product = {
        path.relative_to(ROOT).as_posix()
        for kind in kinds
        for path in (ROOT / "chatworks").rglob(f"*.{kind}")
    }
    product |= {f"chatworks/_migrations/{p.name}" for p in (ROOT / "migrations").glob("*.sql")}
    product |= {f"chatworks/_outlets/{p.name}" for p in (ROOT / "outlets").glob("*.toml")}
    packaged = {name for name in names if ".dist-info/" not in name}

    assert sorted(product - packaged) == []
    assert {Path(name).parts[0] for name in packaged} == {"chatworks"}
    assert {Path(name).suffix for name in packaged - product} <= {
        "",
        ".md",
        ".txt",
        ".woff2",
        ".typed",
        ".png",
    }


def test_it_names_no_foreign_host(wheel: Path, names: list[str]) -> None:
    shown = [name for name in names if "/templates/" in name or "/static/" in name]
    with zipfile.ZipFile(wheel) as archive:
        found = {
            (name, address)
            for name in shown
            for address in re.findall(
                r"https?://[a-zA-Z0-9][^\s\"'<>)`]+", archive.read(name).decode(errors="replace")
            )
        }

    assert {pair for pair in found if pair[1] not in NAMESPACES} == set()
    assert len(shown) > 20


@pytest.fixture
def installed(wheel: Path, database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of the product, run from the wheel alone in an empty folder."""
    target = tmp_path / "site"
    install = ["-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run(  # noqa: S603 - ours
        [sys.executable, *install, "--quiet", "--disable-pip-version-check", str(wheel)], check=True
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    port = free_port()
    env = environment(
        tmp_path / "home",
        CHATWORKS_SECRET="a secret of the tests, long enough",
        DATABASE_URL=database_url,
        CHATWORKS_PORT=str(port),
        PYTHONPATH=str(target),
    )
    where = [sys.executable, "-c", "import chatworks; print(chatworks.__file__)"]
    found = subprocess.run(  # noqa: S603 - ours
        where, cwd=elsewhere, env=env, check=True, capture_output=True, text=True
    ).stdout
    assert found.strip() == str(target / "chatworks" / "__init__.py")
    running = Running.start(env, elsewhere).ready()
    yield f"http://127.0.0.1:{port}"
    assert running.stop() == (0, "")
    assert list(elsewhere.iterdir()) == []


def fetch(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_every_page_and_asset_is_served_from_it(installed: str, names: list[str]) -> None:
    prefix = "chatworks/web/static/"
    assets = [f"/static/{name.removeprefix(prefix)}" for name in names if name.startswith(prefix)]
    pages = {path: fetch(f"{installed}{path}") for path in PAGES}
    linked = {
        link.replace("&amp;", "&")
        for _, text in pages.values()
        for link in re.findall(r'(?:src|href)="(/[^"#]*)"', text)
    }

    assert {path: answer[0] for path, answer in pages.items()} == dict.fromkeys(PAGES, 200)
    assert [path for path in assets if fetch(f"{installed}{path}")[0] != 200] == []
    assert [path for path in sorted(linked) if fetch(f"{installed}{path}")[0] != 200] == []
    assert {link for link in linked if link.startswith("/static/")}
    assert "Maji safi mlangoni pako, leo." in pages["/o/majipro?lang=sw"][1]
    assert fetch(f"{installed}/none")[0] == 404
