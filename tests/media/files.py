"""Small real files of every type that is taken, and of some that are not."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image


def picture(form: str = "JPEG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A picture of one colour."""
    out = BytesIO()
    Image.new("RGB", size, "#0a7d5a").save(out, form, **options)
    return out.getvalue()


def located() -> bytes:
    """A JPEG that tells where it was taken, lies on its side, and ends with somebody's words."""
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn right
    exif[0x010F] = "Phone of Amina"
    exif.get_ifd(0x8825)[1] = "S"
    exif.get_ifd(0x8825)[2] = (1.0, 17.0, 31.0)
    return picture(exif=exif.tobytes(), comment=b"at home") + b"<script>alert(1)</script>"


def moving(form: str = "GIF", frames: int = 3, size: tuple[int, int] = (32, 24)) -> bytes:
    """A picture that moves."""
    out = BytesIO()
    shades = [Image.new("RGB", size, (80 * i % 256, 40, 40)) for i in range(frames)]
    shades[0].save(out, form, save_all=True, append_images=shades[1:], duration=80, loop=0)
    return out.getvalue()


def announced(width: int, height: int) -> bytes:
    """A PNG of a few bytes that announces a huge picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
MP4 = struct.pack(">I", 24) + b"ftypisom\x00\x00\x02\x00isommp41" + b"\x00\x00\x00\x08mdat"
MP3 = b"ID3\x03\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" + b"\x00" * 400
M4A = struct.pack(">I", 24) + b"ftypM4A \x00\x00\x00\x00M4A mp42" + b"\x00\x00\x00\x08mdat"
OGG = b"OggS\x00\x02" + b"\x00" * 20 + b"\x01\x13OpusHead\x01\x01"
AMR = b"#!AMR\n" + b"\x3c" * 64
TEXT = "Habari! 2 × 20 L, kesho asubuhi.\n".encode()
VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Amina\r\nEND:VCARD\r\n"
