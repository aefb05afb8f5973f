"""Where a PSNR comes from: the origin of the weights that made the picture."""

from __future__ import annotations

from enum import StrEnum


class WeightsOrigin(StrEnum):
    """Named the same in every record, table and page.

    A shipped or trained supernet gives each config a slice of shared weights, which ranks configs
    but undersells each; a checkpoint and a finetuned config are what would be deployed.
    """

    SHIPPED = "shipped"
    TRAINED_HERE = "trained here"
    CHECKPOINT = "checkpoint"
    PUBLISHED = "published"
    FINETUNED = "finetuned"

    @property
    def sentence(self) -> str:
        """What a reader should know about a PSNR of this origin."""
        return _SENTENCES[self]


_SENTENCES = {
    WeightsOrigin.SHIPPED: "slices of the supernet that comes with the package",
    WeightsOrigin.TRAINED_HERE: "slices of a supernet trained by this run",
    WeightsOrigin.CHECKPOINT: "a checkpoint given with --weights",
    WeightsOrigin.PUBLISHED: "the weights published by the authors of MobileSR",
    WeightsOrigin.FINETUNED: "the config cut out and trained on by itself",
}
