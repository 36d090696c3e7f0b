"""A registry is a table you can read: name -> "module:factory", resolved when asked for.

A factory takes one argument annotated with its settings type (or none), so the table alone tells how it is configured.
"""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from streamfuse.errors import ConfigError
from streamfuse.redaction import redacted

T = TypeVar("T")


class Settings(BaseModel):
    """Root of every settings type: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Registry(Mapping[str, str], Generic[T]):
    """The entries of one plug point. Also takes `package.module:factory` of your own wherever it takes a name."""

    def __init__(self, noun: str, table: Mapping[str, str]) -> None:
        self.noun = noun
        self._table = dict(table)

    def __getitem__(self, name: str) -> str:
        if name in self._table:
            return self._table[name]
        if ":" in name:
            return name
        raise ConfigError(f"no {self.noun} called {name!r}{suggestion(name, self._table)} (known: {', '.join(self._table)})")

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def factory(self, name: str) -> Callable[..., T]:
        """Import and return the factory behind `name`."""
        address = self[name]
        module_name, _, attribute = address.partition(":")
        if not module_name or module_name.startswith(".") or not attribute:
            raise ConfigError(f"{self.noun} {name!r}: want package.module:factory")
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as exc:
            raise ConfigError(f"{self.noun} {name!r} needs the package {exc.name!r}, which is not installed") from exc
        except ImportError as exc:
            raise ConfigError(f"{self.noun} {name!r}: {module_name} cannot be imported: {exc}") from exc
        try:
            return cast("Callable[..., T]", getattr(module, attribute))
        except AttributeError as exc:
            raise ConfigError(f"{self.noun} {name!r}: {module_name} has no {attribute!r}") from exc

    def settings_type(self, name: str) -> type[Settings] | None:
        """The settings type of `name`, read from the annotation of its factory; None if it takes none."""
        factory = self.factory(name)
        target = factory.__init__ if inspect.isclass(factory) else factory
        hints = [hint for key, hint in get_type_hints(target).items() if key != "return"]
        found = [hint for hint in hints if inspect.isclass(hint) and issubclass(hint, Settings)]
        return found[0] if found else None

    def settings(self, name: str, values: Mapping[str, Any], where: str) -> Settings | None:
        """Check `values` against the settings type of `name`; `where` is the key to name in an error."""
        kind = self.settings_type(name)
        if kind is None:
            if values:
                raise ConfigError(f"{where}: {self.noun} {name!r} takes no settings, got {', '.join(values)}")
            return None
        return checked(kind, values, where)

    def make(self, name: str, **values: Any) -> T:
        """Check the settings and build the entry."""
        settings = self.settings(name, values, self.noun)
        return self.factory(name)() if settings is None else self.factory(name)(settings)


def suggestion(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """`; did you mean 'x'?` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


S = TypeVar("S", bound=BaseModel)


def checked(kind: type[S], values: Mapping[str, Any], where: str = "") -> S:
    """Validate strictly; the `ConfigError` names each wrong key by its full path, with the nearest right one."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as exc:
        raise ConfigError("\n".join(_in_words(kind, error, where) for error in exc.errors())) from exc


def _in_words(kind: type[BaseModel], error: Any, where: str) -> str:
    location = [str(part) for part in error["loc"]]
    path = ".".join([*([where] if where else []), *location])
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key{suggestion(location[-1], _fields_at(kind, location[:-1]))}"
    if error["type"] == "missing":
        return f"{path}: missing"
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):  # from a plug point inside: it has named its own keys already
        return "\n".join(f"{path}.{line}" if path else line for line in str(cause).splitlines())
    told = f"{error['msg'].removeprefix('Value error, ')}, got {error['input']!r}"
    return redacted(f"{path}: {told}" if path else told)


def _fields_at(kind: type[BaseModel], location: list[str]) -> list[str]:
    """The field names of the model that lies at `location` inside `kind`."""
    for part in location:
        if part.isdigit() or part not in kind.model_fields:
            continue
        annotation = kind.model_fields[part].annotation
        inner = [a for a in (annotation, *getattr(annotation, "__args__", ())) if inspect.isclass(a)]
        models = [a for a in inner if issubclass(a, BaseModel)]
        if models:
            kind = models[0]
    return list(kind.model_fields)
