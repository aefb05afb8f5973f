"""Checkpoints: read without executing them, checked against an architecture, sliced.

A checkpoint of ours is a dict with `format`, `config` and `net`; the published one has `net`
among other keys; those of common trainers are told by `checkpoint_forms`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foundation.file_kinds import told_by_content
from foundation.files import atomic_path
from foundation.wording import shown
from models.checkpoint_forms import find_state, foreign_object
from models.config import MobileSRConfig
from models.config_of_state import config_of_state
from models.errors import ConfigError, WeightsError
from models.network import MobileSR
from models.origin import PUBLISHED_SHA256, WeightsOrigin
from models.slicing import contains, is_smallest, slice_state

FORMAT = "mobilesr-tune/weights/1"
# The largest config of any sane space is a few million parameters, some 20 MB; an optimizer
# beside it triples that.
MAX_CHECKPOINT_BYTES = 2 * 2**30
State = dict[str, Tensor]
# The source of weights that were just trained (`models.training`).
SUPERNET = "supernet"
ALONE = "trained alone"


@dataclass(frozen=True)
class Weights:
    """Tensors of one network, from which every config it contains can be taken.

    Attributes:
        config: the architecture, where the file says it (ours do); the published one does not.
        source: where they came from, for records.
        training: how they were made, for records.
        origin: what a PSNR made with them is called; None where a file does not say.
    """

    state: State
    config: MobileSRConfig | None
    source: str
    training: dict[str, Any] = field(default_factory=dict)
    origin: WeightsOrigin | None = None

    @property
    def sha256(self) -> str:
        return state_sha256(self.state)

    @property
    def is_supernet(self) -> bool:
        """Whether they were trained to be sliced: no config is meant unless it is named.

        Also true of a file in which one config was trained alone, by versions that noted it as
        they did a supernet; not where it holds no other, and so can be nothing else.
        """
        if self.config is not None and is_smallest(self.config):
            return False
        return self.source == SUPERNET or bool(self.training.get("random_configs"))

    def for_config(self, config: MobileSRConfig) -> State:
        """The weights of `config`: these themselves, or a slice where these contain it.

        Raises:
            WeightsError: they belong to another architecture; the message names tensors.
        """
        if self.config is not None and contains(self.config, config):
            return slice_state(self.state, self.config, config)
        check_state(self.state, config, self.source)
        return self.state


def state_sha256(state: State) -> str:
    """SHA-256 over names, shapes and values: the same for the same weights in any file."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().to(torch.float32).contiguous()
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _shapes(config: MobileSRConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(t.shape) for name, t in MobileSR(config).state_dict().items()}


def check_state(state: State, config: MobileSRConfig, source: str) -> None:
    """Raise `WeightsError`, naming tensors, unless `state` fits `config` exactly."""
    wanted = _shapes(config)
    found = {name: tuple(t.shape) for name, t in state.items()}
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    differing = [
        f"{name} is {found[name]}, needed {wanted[name]}"
        for name in wanted
        if name in found and found[name] != wanted[name]
    ]
    if not (missing or extra or differing):
        return
    parts = [
        f"{len(names)} {what}: {'; '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        for what, names in (
            ("tensors of another shape", differing),
            ("missing", missing),
            ("not of this network", extra),
        )
        if names
    ]
    other = config_of_state(state, config)
    hint = ""
    if other is not None and _shapes(other) == found:
        hint = (
            f". It fits {other.key}: give that as its key, with other heads, window or passes "
            "where it was trained with others, for no tensor tells"
        )
    raise WeightsError(f"{source} does not fit {config.key}: {'; '.join(parts)}{hint}")


def load_weights(path: Path) -> Weights:
    """Read a checkpoint through `weights_only=True`.

    Raises:
        WeightsError: missing, too large, no checkpoint, no or several networks, or values that
            are not finite.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {path}: give the path of a .pth or .pt file")
    if path.stat().st_size > MAX_CHECKPOINT_BYTES:
        raise WeightsError(
            f"{path} is larger than {MAX_CHECKPOINT_BYTES >> 30} GiB, and the largest network of "
            "this kind has some 20 MB: save it alone, with torch.save(model.state_dict(), ...)"
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # at damaged bytes the unpickler raises all kinds
        raise WeightsError(_refusal(path, str(error) or type(error).__name__)) from error
    return _from_content(content, str(path))


def load_given_weights(path: Path) -> Weights:
    """As `load_weights`, for a file that a user names: its origin is that, or the publication."""
    weights = load_weights(path)
    published = weights.sha256 == PUBLISHED_SHA256
    return replace(
        weights, origin=WeightsOrigin.PUBLISHED if published else WeightsOrigin.CHECKPOINT
    )


def how_read(weights: Weights, path: Path) -> str:
    """What was taken of a checkpoint that holds more than bare tensors; empty for any other."""
    return "" if weights.source == str(path) else f"Weights: {weights.source}."


def _refusal(path: Path, reason: str) -> str:
    name = foreign_object(reason)
    if name is not None:
        return (
            f"{path} is no PyTorch checkpoint of tensors alone: it holds a {name} beside them, "
            "and opening that could run code. Save the network alone, with "
            "torch.save(model.state_dict(), ...)"
        )
    return f"{path} is no PyTorch checkpoint: {_what_it_is(path)}"


def _what_it_is(path: Path) -> str:
    """In place of the reader's own words, which tell of its insides."""
    if known := told_by_content(path):
        return shown(known, 300)
    with path.open("rb") as stream:
        head = stream.read(4)
    if b"PK\x03\x04".startswith(head):  # an archive, as torch.save writes it
        return "it is damaged, or a part of it is missing; copy it again"
    if not head.startswith(b"\x80"):  # nor a pickle, as it wrote it before
        return "it is another kind of file; give the .pth or .pt file that a training saved"
    return (
        "it is damaged, or holds other things than tensors; save the network alone, with "
        "torch.save(model.state_dict(), ...)"
    )


def _from_content(content: Any, source: str) -> Weights:
    config = origin = None
    training: dict[str, Any] = {}
    if isinstance(content, dict):
        _refuse_other_formats(content.get("format"), source)
    if isinstance(content, dict) and content.get("format") == FORMAT:
        config, training = _header(content, source)
        origin = _origin(content.get("origin"), source)
    found = find_state(content, source)
    _refuse_no_numbers(found.state, source)
    tensors = {name: t.float() for name, t in found.state.items()}
    _refuse_non_finite(tensors, source)
    told = f"{source} ({found.where})" if found.where else source
    if config is not None:
        check_state(tensors, config, source)
    return Weights(tensors, config, told, training, origin)


def _refuse_other_formats(form: Any, source: str) -> None:
    """What we wrote otherwise: a training that has not ended, or weights of a newer version."""
    if not isinstance(form, str) or not form.startswith("mobilesr-tune/") or form == FORMAT:
        return
    if form.startswith("mobilesr-tune/training/"):
        raise WeightsError(
            f"{source} is what a training goes on from, not its result: end the training with the "
            "same 'mobilesr-tune train' or 'search' command, and give the weights that it writes"
        )
    raise WeightsError(
        f"{source} is of the format {shown(form, 60)!r}, and this version reads {FORMAT!r}: use "
        "the version that wrote it"
    )


def _refuse_no_numbers(state: State, source: str) -> None:
    """Before they are made single precision, which drops scales, imaginary parts and more."""
    for name, tensor in state.items():
        plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
        if plain and tensor.is_floating_point() and not tensor.is_quantized:
            continue
        kind = str(tensor.dtype).removeprefix("torch.")
        kind = kind if plain else f"{kind}, {str(tensor.layout).removeprefix('torch.')}"
        raise WeightsError(
            f"{source}: {name} holds no plain floating-point numbers ({kind}): save the network as "
            "it was trained, before it is quantised, pruned or made sparse"
        )
    # A tensor may repeat one value in its file, and take any size when it is laid out.
    if sum(tensor.numel() for tensor in state.values()) * 4 > MAX_CHECKPOINT_BYTES:
        raise WeightsError(
            f"{source} holds more than {MAX_CHECKPOINT_BYTES >> 30} GiB of weights: refused"
        )


def _refuse_non_finite(state: State, source: str) -> None:
    for name, tensor in state.items():
        count = int(tensor.numel() - torch.isfinite(tensor).sum())
        if count:
            raise WeightsError(
                f"{source}: {count} of {tensor.numel()} values of {name} are not finite (NaN or "
                "infinity, in single precision): the training that wrote it went wrong; take an "
                "earlier checkpoint"
            )


def _origin(value: Any, source: str) -> WeightsOrigin | None:
    if value is None:
        return None
    try:
        return WeightsOrigin(value)
    except ValueError:
        raise WeightsError(f"{source} is damaged: its origin is {str(value)[:40]!r}") from None


def _header(content: dict[str, Any], source: str) -> tuple[MobileSRConfig, dict[str, Any]]:
    """Config and training of a checkpoint of ours."""
    parts = [content.get("config"), content.get("training", {})]
    tables = [
        part for part in parts if isinstance(part, dict) and all(isinstance(n, str) for n in part)
    ]
    if len(tables) != len(parts):
        raise WeightsError(f"{source} is damaged: its config or training is no table of names")
    try:
        return MobileSRConfig.build(**tables[0]), tables[1]
    except ConfigError as error:
        raise WeightsError(f"{source} is damaged: {error}") from error


def save_weights(weights: Weights, path: Path) -> None:
    """Write atomically in our format. Raises `RequestError` when the folder is not writable."""
    if weights.config is None:
        raise ConfigError("weights without a config cannot be saved")
    content = {
        "format": FORMAT,
        "config": weights.config.model_dump(mode="json"),
        "net": {name: t.detach().clone() for name, t in weights.state.items()},
        "training": weights.training,
    }
    if weights.origin is not None:
        content["origin"] = weights.origin.value
    # Through a stream: torch's own writer reports a full disk as an internal failure.
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        torch.save(content, stream)


def build_model(config: MobileSRConfig, weights: Weights) -> MobileSR:
    """The network with its weights, in eval mode. Raises `WeightsError` on a mismatch."""
    model = MobileSR(config)
    model.load_state_dict(weights.for_config(config), strict=True)
    return model.eval()
