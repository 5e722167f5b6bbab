"""The mesh points that steer the renderer, by group.

Indices are those of the 468-point face mesh. Every lip contour runs from the corner at the image
left to the corner at the image right, both corners included, so that equal positions of an upper
and a lower contour face each other.
"""

GROUPS: dict[str, tuple[int, ...]] = {
    "outer_upper": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    "outer_lower": (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    "inner_upper": (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    "inner_lower": (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    "jaw": (
        *(132, 58, 172, 136, 150, 149, 176, 148, 152),
        *(377, 400, 378, 379, 365, 397, 288, 361),
    ),
    "chin": (18, 200, 199, 83, 313, 182, 406, 204, 424),
    "philtrum": (164,),
    "nose": (2, 98, 327, 1, 129, 358, 167, 393),
    "cheeks": (205, 425, 50, 280, 207, 427, 216, 436, 212, 432, 202, 422, 187, 411),
    "anchors": (33, 133, 362, 263, 168, 234, 454),
}

UPPER_FACE = ("outer_upper", "inner_upper", "philtrum", "nose", "cheeks", "anchors", "jaw")
LOWER_FACE = ("outer_lower", "inner_lower", "chin", "jaw", "cheeks", "anchors", "philtrum")

LIPS = ("outer_upper", "outer_lower", "inner_upper", "inner_lower")
TISSUE = ("cheeks", "chin", "philtrum")  # what the corners of the mouth drag along

SKIN = (*GROUPS["chin"], *GROUPS["cheeks"])
