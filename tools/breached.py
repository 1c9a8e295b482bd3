"""Build chatworks/passwords/breached.bin from lists of passwords that packages carry.

Run it with three downloaded archives, whose versions stand in chatworks/passwords/breached.md:

    python tools/breached.py django-*.whl zxcvbn-*.whl zxcvbn-ts-language-common-*.tgz

The same archives give the same bytes. Passwords that the length refuses anyhow are left out.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

from chatworks.passwords.breached import build
from chatworks.passwords.models import LENGTH_MIN_BESIDE

TARGET = Path(__file__).parents[1] / "chatworks" / "passwords" / "breached.bin"


def django(path: Path) -> list[str]:
    """Return the list of Django's ``CommonPasswordValidator``."""
    packed = zipfile.ZipFile(path).read("django/contrib/auth/common-passwords.txt.gz")
    return gzip.decompress(packed).decode().split("\n")


def zxcvbn(path: Path) -> list[str]:
    """Return the passwords among the frequency lists of zxcvbn for Python."""
    source = zipfile.ZipFile(path).read("zxcvbn/frequency_lists.py").decode()
    listed = re.search(r'"passwords": ("(?:[^"\\]|\\.)*")', source)
    if listed is None:
        raise SystemExit(f"{path} has no passwords")
    return str(ast.literal_eval(listed[1])).split(",")


def zxcvbn_ts(path: Path) -> list[str]:
    """Return the passwords of zxcvbn-ts's common dictionaries."""
    with tarfile.open(path) as archive:
        member = archive.extractfile("package/src/passwords.json")
        if member is None:
            raise SystemExit(f"{path} has no passwords.json")
        return [str(word) for word in json.load(member)]


def main() -> None:
    """Read the three archives and write the filter."""
    first, second, third = (Path(name) for name in sys.argv[1:])
    listed = [*django(first), *zxcvbn(second), *zxcvbn_ts(third)]
    folded = {unicodedata.normalize("NFKC", word).casefold() for word in listed}
    kept = {word for word in folded if len(word) >= LENGTH_MIN_BESIDE}
    TARGET.write_bytes(build(kept))
    print(f"{len(kept):,} passwords, {TARGET.stat().st_size:,} bytes")  # noqa: T201 - what it did


if __name__ == "__main__":
    main()
