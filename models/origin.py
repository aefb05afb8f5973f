"""Where a PSNR comes from: the origin of the weights that made the picture."""

from __future__ import annotations

from enum import StrEnum

from foundation.artifact import ArtifactManifest

# `models.weights.state_sha256` of the checkpoint of github.com/sunny2109/MobileSR-NTIRE2022.
PUBLISHED_SHA256 = "da8f8703f40cb1671430e4deacf81b29a779ec65d8c2e7ca32e5efaf214e876a"


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


def origin_of(manifest: ArtifactManifest) -> WeightsOrigin | None:
    """The origin of an artifact's weights; None where its manifest does not say, or another name.

    The published weights are known by what they are.
    """
    if manifest.weights_sha256 == PUBLISHED_SHA256:
        return WeightsOrigin.PUBLISHED
    known = {origin.value: origin for origin in WeightsOrigin}
    return known.get(manifest.weights_origin or "")


def licence_sentence(origin: WeightsOrigin | None) -> str:
    """What whoever ships weights of this origin should know of their licence."""
    return _LICENCES[origin] if origin else _LICENCE_UNKNOWN


_ASK = "Settle it before you ship them."
_LICENCE_UNKNOWN = (
    f"Nothing that was at hand says where these weights come from, nor under which licence. {_ASK}"
)
_SHIPPED_LICENCE = (
    "the supernet that comes with mobilesr-tune (Apache-2.0), which was trained on photographs in "
    "the public domain or under CC0, CC-BY, CC-BY-SA and GPL-2+; its models/recipes/"
    "photographs.toml lists each with its author and its licence"
)
_LICENCES = {
    WeightsOrigin.SHIPPED: (
        f"A slice of {_SHIPPED_LICENCE}. What those ask of weights trained on them is for you to "
        "judge."
    ),
    WeightsOrigin.TRAINED_HERE: (
        "Trained by the user's own search, on the images that it was given: their licences are not "
        f"known here. At scale 4 it began with {_SHIPPED_LICENCE}. {_ASK}"
    ),
    WeightsOrigin.CHECKPOINT: (
        "From a checkpoint that was given to mobilesr-tune: its licence, and that of what it was "
        f"trained on, are not known here. {_ASK}"
    ),
    WeightsOrigin.PUBLISHED: (
        "The weights that MobileSR's authors published (github.com/sunny2109/MobileSR-NTIRE2022). "
        f"They state no licence. {_ASK}"
    ),
    WeightsOrigin.FINETUNED: (
        "One configuration cut out of a search's supernet and trained on by itself, on the images "
        f"that the training was given: their licences are not known here. Where the supernet was "
        f"not the user's own, it was {_SHIPPED_LICENCE}. {_ASK}"
    ),
}
