"""YAML in which a key is given once. PyYAML itself keeps the last of two and says nothing."""

from typing import Any

import yaml
from yaml.constructor import ConstructorError


class _EachKeyOnce(yaml.SafeLoader):
    """Looks while nodes are composed: later `<<` has put keys in that were never given twice."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise ConstructorError(None, None, f"the key {key.value!r} is given twice", key.start_mark)
                seen.add(key.value)
        return node


def values_of(text: str) -> Any:
    """What the YAML says, of plain types. `yaml.YAMLError` tells the place of what is wrong."""
    return yaml.load(text, Loader=_EachKeyOnce)  # noqa: S506  a SafeLoader
