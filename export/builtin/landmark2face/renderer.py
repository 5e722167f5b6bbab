"""The renderer: a network without weights, from a face and its speech to geometry."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.builtin.landmark2face import interior, placement, references
from export.builtin.landmark2face.contours import without_inside
from export.builtin.landmark2face.control_points import GROUPS, LOWER_FACE, UPPER_FACE
from export.builtin.landmark2face.fields import backward_field
from export.builtin.landmark2face.head import frontality
from export.builtin.landmark2face.interior import Inside, Palette
from export.builtin.landmark2face.lips import Groups, mouth_frame
from export.builtin.landmark2face.mouth import Mouth, below_mouth_line, mouth_of, opening_cover
from export.builtin.landmark2face.mouth_shapes import MouthShape, mouth_shape
from export.builtin.landmark2face.references import Lender
from export.builtin.landmark2face.region import edge_window, touched_region
from export.builtin.landmark2face.smile import smile_excess
from export.builtin.landmark2face.targets import opening_size, rest_stretch, target_groups

CROP_SIDE = 256
FLOW_SIDE = 64
FRAME_LAYERS = 2
WEIGHT_GAIN = 16  # weights are whole wherever flow is noticeable: a wide feather would only ghost


class Landmark2Face(nn.Module):
    """Mesh, features and references to flow, layers, source and interior."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coarse", _centres(FLOW_SIDE))
        self.register_buffer("fine", _centres(CROP_SIDE))

    def forward(
        self,
        face: Tensor,
        features: Tensor,
        reference: Tensor,
        mesh: Tensor,
        reference_mesh: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Runs the renderer.

        Args:
            face: UINT8 [B, 256, 256, 3].
            features: FP32 [B, 64, 17].
            reference: UINT8 [B, 4, 256, 256, 3].
            mesh: FP32 [B, 468, 2].
            reference_mesh: FP32 [B, 4, 468, 2].

        Returns:
            flow FP32 [B, 4, 64, 64, 2], layers UINT8 [B, 4, 256, 256, 1], source INT32 [B, 4],
            interior UINT8 [B, 256, 256, 4].
        """
        mesh, reference_mesh = mesh.clamp(-1, 2), reference_mesh.clamp(-1, 2)
        source = {name: mesh[:, index] for name, index in GROUPS.items()}
        shape = mouth_shape(features)
        target = _target(source, shape, mesh, reference_mesh)
        mouth, region = mouth_of(target), touched_region(self.coarse, mesh, source, target)
        lenders = references.choose_lenders(reference, reference_mesh, mesh, shape)
        skin = references.skin_colour(face.unsqueeze(1), mesh.unsqueeze(1))[:, 0]
        lips = references.lip_colour(face.unsqueeze(1), mesh.unsqueeze(1))[:, 0]
        colours = _matched(interior.palette(skin, lips), lenders)
        layers, paint = self._paint(mouth, region, lenders, colours, shape, frontality(mesh))
        flow = [
            *_frame_flow(self.coarse, without_inside(source, face, skin), target, region),
            *_reference_flow(self.coarse, mouth, lenders),
        ]
        return (
            torch.stack(flow, 1).reshape(-1, 4, FLOW_SIDE, FLOW_SIDE, 2),
            _bytes(layers).reshape(-1, 4, CROP_SIDE, CROP_SIDE, 1),
            _sources(lenders),
            _bytes(paint).transpose(1, 2).reshape(-1, CROP_SIDE, CROP_SIDE, 4),
        )

    def _paint(
        self,
        mouth: Mouth,
        region: Tensor,
        lenders: tuple[Lender, Lender],
        colours: Palette,
        shape: MouthShape,
        visible: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Returns layer weights [B, 4, P] and premultiplied interior [B, 4, P], 0..1."""
        inside = mouth.inside(self.fine)
        upper = _upsample(region) * visible
        cover = opening_cover(inside, mouth.width) * edge_window(self.fine) * visible
        tip = interior.tongue_tip(inside, shape.tongue.unsqueeze(1))
        bared = torch.maximum(shape.tuck, shape.parted).unsqueeze(1)
        lent = _lent(inside, mouth, lenders, bared, tip)
        painted = interior.paint(inside, colours, _missing_teeth(lenders), bared, tip)
        first, second, paint = _blend(inside, cover, lent, painted)
        lower = upper * below_mouth_line(inside, mouth.width)
        return torch.stack([upper, lower, first, second], 1), paint


def _centres(side: int) -> Tensor:
    """Returns the sample centres of a square texture, FP32 [1, side * side, 2]."""
    along = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([x, y], -1).reshape(1, -1, 2)


def _target(source: Groups, shape: MouthShape, mesh: Tensor, reference_mesh: Tensor) -> Groups:
    frame = mouth_frame(source["inner_upper"])
    size, stretch = opening_size(mesh, frame), rest_stretch(mesh, reference_mesh)
    return target_groups(source, frame, shape, size, stretch, smile_excess(mesh))


def _frame_flow(grid: Tensor, clean: Groups, target: Groups, region: Tensor) -> list[Tensor]:
    """Returns the fields of the upper and the lower face, [B, P, 2] each."""
    fields = []
    for names in (UPPER_FACE, LOWER_FACE):
        wanted, taken = (torch.cat([g[name] for name in names], 1) for g in (target, clean))
        fields.append(backward_field(grid, wanted, taken) * region.unsqueeze(-1))
    return fields


def _reference_flow(grid: Tensor, mouth: Mouth, lenders: tuple[Lender, Lender]) -> list[Tensor]:
    inside = mouth.inside(grid)
    return [
        placement.to_reference_crop(lender, placement.place(lender, inside, mouth)) - grid
        for lender in lenders
    ]


def _lent(
    inside: Inside, mouth: Mouth, lenders: tuple[Lender, Lender], bared: Tensor, tip: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns how much of each place the two references give, [B, P] each."""
    first, second = (
        placement.cover(lender, placement.place(lender, inside, mouth)) for lender in lenders
    )
    lit = placement.teeth_in_light(inside, bared) * (1 - tip)
    share = second * lenders[1].share
    return lit * first * (1 - share), lit * share


def _missing_teeth(lenders: tuple[Lender, Lender]) -> Tensor:
    """Returns how much of the teeth no reference shows, [B, 1]."""
    lent = [lender.share * lender.quality for lender in lenders]
    return 1 - lent[0] - lent[1]


def _matched(colours: Palette, lenders: tuple[Lender, Lender]) -> Palette:
    """Matches the paint to the depths of this very mouth, where a reference shows them."""
    for lender in lenders:
        known = lender.share * lender.quality * lender.hollow
        cavity = colours.cavity + known * (0.8 * lender.depths - colours.cavity)
        colours = colours._replace(cavity=cavity)
    return colours


def _blend(
    inside: Inside, cover: Tensor, lent: tuple[Tensor, Tensor], painted: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Turns shares of the final picture into weights for painting in order.

    The picture is face * (1 - cover) + (lent pixels + painted) * shadow * cover, which
    lerp(lerp(face, first, w1), second, w2) * (1 - alpha) + colour gives for the weights below.
    """
    shaded = cover * interior.lip_shadow(inside)
    first, second = lent[0] * shaded, lent[1] * shaded
    kept = 1 - cover + first + second
    weight_second = second / kept.clamp(min=1e-4)
    weight_first = first / (kept - second).clamp(min=1e-4)
    colour = painted * (shaded * (1 - lent[0] - lent[1])).unsqueeze(1)
    return weight_first, weight_second, torch.cat([colour, (1 - kept).unsqueeze(1)], 1)


def _upsample(region: Tensor) -> Tensor:
    """Returns layer weights [B, P] on the fine grid, whole wherever the region lets flow be."""
    picture = region.reshape(-1, 1, FLOW_SIDE, FLOW_SIDE)
    fine = F.interpolate(picture, size=(CROP_SIDE, CROP_SIDE), mode="bilinear")
    return (fine.flatten(1) * WEIGHT_GAIN).clamp(0, 1)


def _sources(lenders: tuple[Lender, Lender]) -> Tensor:
    """Returns INT32 [B, 4]: this frame for the first layers, then the references, from 1."""
    numbers = torch.stack([lender.number for lender in lenders], 1) + 1
    return torch.cat([torch.zeros_like(numbers), numbers], 1).to(torch.int32)


def _bytes(values: Tensor) -> Tensor:
    return (values * 255 + 0.5).clamp(0, 255).to(torch.uint8)
