"""The run directory: everything a study leaves behind, and the way back into it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.databases import masked
from foundation.errors import RequestError
from foundation.files import read_object, write_json, write_text
from foundation.toml import read_toml
from foundation.wording import without_passwords
from search.errors import RunError
from search.request import SearchRequest
from search.study.identity import name_of
from search.study.records import CandidateResult
from search.study.study import first_trials_of, load_study, results_of

STUDY_NAME = "mobilesr"
PROFILES = "profiles"


@dataclass(frozen=True)
class RunDirectory:
    """Paths and readers of one run; `create` makes or re-enters it, `open` only reads.

    The run of `--device all` has no study of its own: below `profiles/` is one run for each device
    profile, whole in itself, with the weights and artifacts of the run above it.
    """

    path: Path
    # As the user gave it this time: what a run keeps of it has no password.
    storage: str | None = None

    @property
    def study_path(self) -> Path:
        return self.path / "study.db"

    @property
    def spec_path(self) -> Path:
        return self.path / "run.toml"

    @property
    def artifacts(self) -> Path:
        return self.whole / "artifacts"

    @property
    def whole(self) -> Path:
        """The run that one command holds: of a profile's run the run above, while it is there.

        Weights and artifacts lie in it. The links to them in the profile's run itself may be
        missing, on a drive that has none, or have become copies, as `cp -L` and archives make them.
        """
        # By where it really is: it may be named by `.`, or by a link.
        here = self.path.resolve()
        above = here.parent.name == PROFILES and (here.parents[1] / self.spec_path.name).is_file()
        return here.parents[1] if above else self.path

    @property
    def measurements(self) -> Path:
        return self.path / "measurements"

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    @property
    def troubles(self) -> Path:
        """What went wrong with devices (`search.study.troubles`)."""
        return self.path / "troubles.jsonl"

    @property
    def devices_path(self) -> Path:
        """The devices of the latest search in this run (`search.scheduling.devices`)."""
        return self.path / "devices.json"

    @property
    def study_name(self) -> str:
        """Of the Optuna study. In a storage that others use too, it says what the study is."""
        return str(self._study_record().get("name") or self._plain_name)

    @property
    def owner(self) -> str:
        """By which this run's trials are told from others'; empty in a study of its own."""
        return str(self._study_record().get("owner", "")) if self.shared_storage else ""

    @property
    def _plain_name(self) -> str:
        if self.path.parent.name == PROFILES:
            return f"{STUDY_NAME} {self.path.name}"
        return STUDY_NAME

    @property
    def _study_file(self) -> Path:
        return self.path / "study.json"

    def _study_record(self) -> dict[str, Any]:
        return read_object(self._study_file) if self._study_file.is_file() else {}

    def name_study(self, identity: Mapping[str, Any]) -> None:
        """Settle the study's name for good, now that it is known what the study is."""
        record = self._study_record()
        if record.get("name") is None:
            write_json(self._study_file, {**record, "name": name_of(identity)})

    @property
    def parts(self) -> list[RunDirectory]:
        """The runs of the device profiles, where there are several."""
        found = sorted((self.path / PROFILES).glob("*/run.toml"))
        return [RunDirectory(spec.parent, self.storage) for spec in found]

    @property
    def weights(self) -> Path:
        return self.whole / "weights" / "supernet.pt"

    @property
    def report_folder(self) -> Path:
        return self.path / "report"

    @staticmethod
    def open(path: Path, storage: str | None = None) -> RunDirectory:
        """An existing run; `storage` is the address of its study where it has none of its own.

        Raises:
            RunError: `path` holds no run.
        """
        run = RunDirectory(path, storage)
        if not path.is_dir():
            raise RunError(f"no run directory at {path}: 'mobilesr-tune search' makes one")
        if not run.spec_path.is_file():
            raise RunError(f"{path} is no run directory: it holds no run.toml")
        return run

    @staticmethod
    def create(path: Path, request: SearchRequest, facts: dict[str, Any]) -> RunDirectory:
        """Make the run, or re-enter it with the same request.

        Raises:
            RunError: the directory belongs to a search that differs in what must not change.
            RequestError: it cannot be written.
        """
        run = RunDirectory(path, request.storage)
        before = run.spec_path.is_file()
        if before:
            run.require_same(request, facts)
        elif path.is_dir() and any(path.iterdir()):
            raise RunError(f"{path} is not empty and holds no run: choose another --run-dir")
        if not run._study_file.is_file():
            # Of a run that an earlier version began, the name is the plain one.
            plain = run._plain_name if before or request.storage is None else None
            write_json(run._study_file, {"owner": secrets.token_hex(8), "name": plain})
        write_text(run.spec_path, request.to_toml())
        write_json(run.path / "facts.json", facts)
        return run

    def create_part(
        self, profile_key: str, request: SearchRequest, facts: dict[str, Any]
    ) -> RunDirectory:
        """The run of one device profile within this one. Raises as `create` does."""
        part = RunDirectory.create(self.path / PROFILES / profile_key, request, facts)
        for name in ("weights", "artifacts"):
            (self.path / name).mkdir(exist_ok=True)
            # For who takes a part out by itself: within the run it does without (`whole`).
            with contextlib.suppress(OSError):
                (part.path / name).symlink_to(Path("..", "..", name), target_is_directory=True)
        return part

    def require_same(self, request: SearchRequest, facts: dict[str, Any]) -> None:
        """Raise `RunError` where this run belongs to a search that differs from `request`."""
        kept, asked = _flat(self.request().identity), _flat(request.identity)
        changed = [name for name, value in asked.items() if kept.get(name) != value]
        if changed:
            name = changed[0]
            raise RunError(
                f"{self.path} belongs to a search with {name}={kept.get(name)}, this one has "
                f"{name}={asked[name]}: choose another --run-dir"
            )
        stored = self.spec().get("storage")
        if bool(stored) != bool(request.storage):
            place = f"in {masked(stored)}" if stored else "in its own study.db"
            todo = "give --storage again" if stored else "leave --storage out"
            raise RunError(f"{self.path} keeps its study {place}: {todo}")
        recorded: dict[str, Any] = {}
        with contextlib.suppress(RequestError):  # killed before its facts were written
            recorded = self.facts()
        earlier, now = recorded.get("profile_key"), facts.get("profile_key")
        if earlier != now and earlier and now:
            raise RunError(
                f"{self.path} holds results of {earlier}, this device is {now} (another device, "
                "system, or runner), and the two are never mixed: name the first one with "
                "--device, or choose another --run-dir"
            )
        for name, value in recorded.get("inputs", {}).items():
            if facts.get("inputs", {}).get(name) != value:
                raise RunError(
                    f"{self.path} was made with other {name}: the files have changed since; "
                    "choose another --run-dir"
                )

    def spec(self) -> dict[str, Any]:
        """The resolved request, as stored. Raises `RunError` when it is damaged."""
        try:
            spec = read_toml(self.spec_path)
        except RequestError as error:
            raise RunError(str(error)) from error
        if spec.get("storage"):
            # Earlier versions kept its password.
            spec["storage"] = masked(str(spec["storage"]))
        return spec

    def request(self) -> SearchRequest:
        """The same as a request. Raises `SearchError` when it is damaged."""
        return SearchRequest.stored(self.spec_path)

    def facts(self) -> dict[str, Any]:
        """What was found out at the start: device, command line, inputs, PSNR bound."""
        facts = read_object(self.path / "facts.json")
        if not isinstance(facts.get("inputs", {}), dict):
            raise RunError(f"{self.path / 'facts.json'} is damaged: 'inputs' is no table")
        if isinstance(facts.get("command"), list):
            facts["command"] = [without_passwords(str(word)) for word in facts["command"]]
        return facts

    def environment(self) -> dict[str, Any]:
        """Versions and machine, as recorded at the start."""
        path = self.path / "environment.json"
        return read_object(path) if path.is_file() else {}

    @property
    def shared_storage(self) -> str | None:
        """The address of the study's database; None where it is the run's own study.db.

        Raises:
            RunError: the run keeps its study elsewhere, and nobody has said again where: no
                database is dialled because a file names it.
        """
        kept = self.spec().get("storage")
        if not kept:
            if self.storage is not None:
                raise RunError(f"{self.path} keeps its study in study.db: leave --storage out")
            return None
        if self.storage is None:
            raise RunError(
                f"{self.path} keeps its study in {kept}: give that address, with its password, "
                "as --storage"
            )
        return self.storage

    @property
    def begun(self) -> bool:
        """Whether there may be trials: a study.db, or a storage of the user's choosing."""
        return self.study_path.is_file() or bool(self.spec().get("storage"))

    def devices(self) -> list[dict[str, Any]]:
        """What the latest search in this run did with each device; empty before its end."""
        path = self.devices_path
        found = read_object(path).get("devices") if path.is_file() else []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise RunError(f"{path} is damaged: 'devices' is no list of tables")
        return found

    def repeated_by(self, trial: int) -> int:
        """The trial whose candidate this one proposed once more; itself where it was new.

        Raises:
            RunError: the study cannot be read.
        """
        return first_trials_of(load_study(self)).get(trial, trial)

    def results(self) -> list[CandidateResult]:
        """Every finished candidate once, in the order of its trials, profile by profile.

        Latencies of one profile are told for one speed of its device (`search.study.usual_speed`).

        Raises:
            RunError: the study cannot be read.
        """
        parts = self.parts
        if not parts:
            return results_of(load_study(self), self.path)
        # Numbers are those of each profile's own study; files are named from here.
        return [
            result.seen_from_above(f"{PROFILES}/{part.path.name}")
            for part in parts
            if part.begun
            for result in part.results()
        ]


def _flat(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of the space by their own names, as their options have them."""
    rest = {name: value for name, value in identity.items() if name != "space"}
    return {**identity["space"], **rest}
