"""Pictures to be cleaned, and how like two of them are."""

import io
import math
import struct
import zlib

from PIL import Image, ImageChops, ImageCms, ImageStat

from jobs.pictures import clean

ORIENTATION, GPS = 0x0112, 0x8825
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photo(width=400, height=300):
    """Something with gradients and edges, so that quality can be measured."""
    ramp = Image.linear_gradient("L").resize((width, height))
    disc = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, disc, ramp.transpose(Image.Transpose.ROTATE_180)))


def encoded(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def exif_of(orientation=1):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(GPS).update({1: "N", 2: (35.0, 40.0, 30.0), 3: "E", 4: (139.0, 45.0, 12.0)})
    return exif


def cleaned(data):
    copy = clean(io.BytesIO(data))
    return copy, Image.open(io.BytesIO(copy.data))


def psnr(one, other):
    squares = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).sum2
    mean = sum(squares) / (3 * one.width * one.height)
    return math.inf if mean == 0 else 10 * math.log10(255**2 / mean)


def bomb(width, height):
    """A PNG of a few bytes that claims to be that large; whoever decodes it finds it damaged."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")
