"""Photos as avatars."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from tests.cases.case import FRAMES, Case, Made, Refused, short
from tests.cases.clips import Clip
from tests.cases.files import Bytes
from tests.cases.photos import Photo
from tests.cases.scene import Face, Scene

_PHOTO = Made(shown=[0] * FRAMES, tags=(1, 13, 1), colour_error=6)
_HEIC = (Path(__file__).parents[2] / "data" / "portrait.heic").read_bytes()

CASES = [
    Case(name="JPEG", video=Photo("photo.jpg", codec="mjpeg", pix_fmt="yuvj420p"), expected=_PHOTO),
    Case(
        name="JPEG 4:4:4",
        video=Photo("photo.jpeg", codec="mjpeg", pix_fmt="yuvj444p"),
        expected=_PHOTO,
    ),
    Case(
        name="JPEG, progressive",
        what="as from the web",
        video=Photo("photo.jpg", codec="progressive"),
        expected=_PHOTO,
    ),
    *(
        Case(
            name=f"JPEG turned by EXIF, {quarters * 90}°",
            video=Photo("photo.jpg", codec="mjpeg", pix_fmt="yuvj444p", quarters=quarters),
            expected=_PHOTO,
        )
        for quarters in (1, 2, 3)
    ),
    Case(name="PNG", video=Photo(), expected=_PHOTO),
    Case(
        name="PNG with alpha",
        what="lies over black",
        video=Photo(pix_fmt="rgba", see_through=True),
        expected=_PHOTO,
    ),
    Case(name="PNG of 16 bit", video=Photo(pix_fmt="rgb48be"), expected=_PHOTO),
    Case(
        name="PNG in grey",
        video=Photo(pix_fmt="gray"),
        expected=Made(shown=[0] * FRAMES, tags=(1, 13, 1), colour_error=None),
    ),
    Case(name="WebP", video=Photo("photo.webp", codec="libwebp", pix_fmt="bgra"), expected=_PHOTO),
    Case(name="BMP", video=Photo("photo.bmp", codec="bmp", pix_fmt="bgr24"), expected=_PHOTO),
    Case(name="TIFF", video=Photo("photo.tiff", codec="tiff", pix_fmt="rgb24"), expected=_PHOTO),
    Case(
        name="GIF of one picture",
        video=Photo("photo.gif", codec="gif", pix_fmt="rgb8"),
        expected=Made(shown=[0] * FRAMES, colour_error=40),
    ),
    Case(
        name="a photo of odd size",
        video=Photo(scene=Scene(255, 191, (Face(111, 47, 144),))),
        expected=Made(shown=[0] * FRAMES, size=(254, 190)),
    ),
    Case(
        name="a huge photo",
        what="5000×3000 becomes what players show",
        video=Photo(
            "photo.jpg",
            Scene(5000, 3000, (Face(1500, 300, 2600),), labelled=False),
            "mjpeg",
            "yuvj420p",
        ),
        audio=short(Fraction(2, 10)),
        expected=Made(shown=None, frames=5, size=(3840, 2304), colour_error=None),
    ),
    Case(
        name="a photo named .mp4",
        what="the content counts",
        video=Photo("photo.mp4"),
        expected=_PHOTO,
    ),
    Case(
        name="animated WebP",
        video=Clip("photo.webp", codec="libwebp_anim", pix_fmt="bgra"),
        expected=Refused("is an animated WebP"),
    ),
    Case(
        name="AVIF",
        video=Clip("photo.avif", count=1, codec="libsvtav1"),
        expected=replace(_PHOTO, colour_error=8),
    ),
    Case(
        name="HEIC",
        what="as iPhones take photos",
        video=Bytes("photo.heic", _HEIC),
        expected=Made(shown=None, size=(320, 320), tags=(1, 13, 1), colour_error=None),
    ),
    Case(
        name="half a HEIC",
        video=Bytes("photo.heic", _HEIC[: len(_HEIC) // 2]),
        expected=Refused("damaged or cut short"),
    ),
]
