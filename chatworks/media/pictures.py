"""Pictures are decoded and written anew, so that what is kept is a picture and nothing else.

Metadata (where it was taken, with what) and whatever stands behind the picture's end go; its side
is bounded; a header that announces more pixels than memory should hold is refused before a pixel
is decoded. Still pictures end as JPEG, or PNG where something shines through: every messenger takes
these two. What moves keeps moving while its frames together stay within the same bound.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from PIL import Image, ImageOps, ImageSequence

from chatworks.media.models import Examined, NotTaken

PIXELS_MAX = 50_000_000  # of the picture as it comes; 200 MB once decoded
MOVING_PIXELS_MAX = 60_000_000  # of all frames of what moves
SIDE_MAX = 2560  # pixels; Telegram bears width + height ≤ 10,000
RATIO_MAX = 20  # Telegram's own bound between the sides
JPEG_QUALITY = 85
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
MOVING = frozenset({"image/gif", "image/webp"})
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def redraw(file: Examined) -> Examined:
    """Return the picture drawn anew, with its size; raises ``NotTaken``. Takes up to seconds."""
    try:
        with Image.open(BytesIO(file.content), formats=[FORMATS[file.media_type]]) as image:
            _check(*image.size)
            frames = getattr(image, "n_frames", 1)
            pixels = frames * image.width * image.height
            moves = frames > 1 and file.media_type in MOVING and pixels <= MOVING_PIXELS_MAX
            return _moving(file, image) if moves else _still(file, image)
    except NotTaken:
        raise
    except BOMBS:
        raise NotTaken("the picture is too large") from None
    except Exception:  # noqa: BLE001 - Pillow's decoders raise anything for what is damaged
        raise NotTaken("the picture is damaged") from None


def _check(width: int, height: int) -> None:
    """Refuse what a header announces, before a pixel is decoded."""
    if width * height > PIXELS_MAX:
        raise NotTaken(f"a picture may have at most {PIXELS_MAX // 1_000_000} megapixels")
    if max(width, height) > RATIO_MAX * min(width, height):
        raise NotTaken(f"a picture may be at most {RATIO_MAX} times as long as it is wide")


def _still(file: Examined, image: Image.Image) -> Examined:
    image.draft("RGB", (SIDE_MAX, SIDE_MAX))  # a large JPEG is decoded at a fraction of its size
    image.load()
    clear = image.has_transparency_data
    drawn = ImageOps.exif_transpose(image).convert("RGBA" if clear else "RGB")
    drawn.thumbnail((SIDE_MAX, SIDE_MAX))
    if not clear and file.media_type != "image/png":
        return _written(file, drawn, "image/jpeg", quality=JPEG_QUALITY, optimize=True)
    return _written(file, drawn, "image/png", optimize=True)


def _moving(file: Examined, image: Image.Image) -> Examined:
    frames, times = [], []
    for frame in ImageSequence.Iterator(image):
        drawn = frame.convert("RGBA")  # decodes it: only now does a WebP know its time
        times.append(frame.info.get("duration", 0) or 100)
        drawn.thumbnail((SIDE_MAX, SIDE_MAX))
        frames.append(drawn)
    rest = {"save_all": True, "append_images": frames[1:], "duration": times, "loop": 0}
    more = {"disposal": 2} if file.media_type == "image/gif" else {}
    return _written(file, frames[0], file.media_type, **rest, **more)


def _written(file: Examined, drawn: Image.Image, media_type: str, **options: object) -> Examined:
    drawn.info.clear()  # what stands there would be written: comments, profiles, Exif
    out = BytesIO()
    drawn.save(out, FORMATS[media_type], **options)
    return replace(
        file,
        content=out.getvalue(),
        media_type=media_type,
        width=drawn.width,
        height=drawn.height,
    )
