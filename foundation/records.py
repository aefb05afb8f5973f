"""Versioned records: what is written today must be readable, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from foundation.errors import RequestError
from foundation.files import read_json, write_json
from foundation.wording import shown

# Pydantic's kinds of problems, as we say them.
_WORDS = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "path_type": "must be a path",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "needs at least {min_length}, has {actual_length}",
    "too_long": "holds at most {max_length}, has {actual_length}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "holds at most {max_length} characters",
}


def first_problem(error: ValidationError) -> str:
    """The first validation problem as `field: what is wrong`."""
    problem = error.errors(include_url=False)[0]
    where = shown(".".join(str(part) for part in problem["loc"]))
    words = _WORDS.get(problem["type"], str(problem["msg"]).removeprefix("Value error, "))
    message = shown(
        words.format(**problem.get("ctx", {})) if problem["type"] in _WORDS else words, 1000
    )
    return f"{where}: {message}" if where else message


class VersionedRecord(BaseModel):
    """Base of every record this tool writes to disk; one JSON file each.

    A subclass names its `kind` and its `version`; both travel in the file as `schema`, and a
    reader refuses what it does not know. `also_reads` are older versions that `upgraded` can
    bring into today's form; where they differ only in fields that have a default now, it is as
    it stands here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    version: ClassVar[int]
    also_reads: ClassVar[tuple[int, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, schema first."""
        return {"schema": f"{self.kind}/{self.version}", **self.model_dump(mode="json")}

    def save(self, path: Path) -> None:
        """Write atomically. Raises `RequestError` when the folder cannot be written."""
        write_json(path, self.to_dict())

    @classmethod
    def from_dict(cls, value: Any, *, where: str) -> Self:
        """Rebuild from `to_dict`'s form; `where` names the source in an error.

        Raises:
            RequestError: another kind of record, a newer version, or a broken one.
        """
        if not isinstance(value, dict) or "schema" not in value:
            raise RequestError(f"{where} is no {cls.kind} record of mobilesr-tune")
        found = shown(str(value["schema"]), 80)
        known = {f"{cls.kind}/{number}": number for number in (cls.version, *cls.also_reads)}
        if found not in known:
            raise RequestError(
                f"{where} holds {found!r}, this version of mobilesr-tune reads "
                f"'{cls.kind}/{cls.version}': use the version that wrote it, or make it anew"
            )
        fields = {k: v for k, v in value.items() if k != "schema"}
        try:
            if known[found] != cls.version:
                fields = cls.upgraded(fields, known[found])
            return cls.model_validate(fields)
        except ValidationError as error:
            raise RequestError(f"{where} is damaged: {first_problem(error)}") from error
        # An older form is taken apart before it is validated.
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            said = shown(f"{type(error).__name__}: {error}", 160)
            raise RequestError(f"{where} is damaged ({said})") from error

    @classmethod
    def upgraded(cls, fields: dict[str, Any], version: int) -> dict[str, Any]:
        """The fields of an older `version` as today's has them; they are not validated yet."""
        del version
        return fields

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a record file. Raises `RequestError` as `from_dict` does, naming the file."""
        return cls.from_dict(read_json(path), where=str(path))
