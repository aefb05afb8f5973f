"""What can be wrong with a model, its weights or its images."""

from foundation.errors import RequestError


class ModelError(RequestError):
    """Root of the errors of `models`."""


class ConfigError(ModelError):
    """A configuration or deployment that cannot exist."""


class WeightsError(ModelError):
    """A checkpoint that cannot be read or belongs to another architecture."""


class ImageError(ModelError):
    """An image or a folder of images that cannot be used."""


class ExportError(ModelError):
    """A candidate that ExecuTorch could not lower."""


class TrainingError(ModelError):
    """A training that cannot be done as asked, or that went wrong."""
