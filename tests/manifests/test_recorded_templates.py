"""Pod templates of recordings of the real programs lose nothing on their way in."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

from reference.manifests import pruned, template_manifest

from pyscale.manifests import pod_template_from_dict
from pyscale.model.quantity import parse_quantity

TEMPLATES = Path(__file__).parent / "recorded" / "pod-templates.jsonl.gz"
# No decision reads these.
UNREAD = {"volumeMounts"}


def expected(manifest: dict[str, Any]) -> Any:
    """The manifest with quantities in nano-units and the default namespace."""
    result = copy.deepcopy(manifest)
    result.pop("status", None)
    result.setdefault("metadata", {}).setdefault("namespace", "default")
    spec = result.setdefault("spec", {})
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    lists = [spec]
    for holder in [spec, *containers]:
        resources = holder.get("resources") or {}
        lists += [resources]
    for holder in lists:
        for name in ("requests", "limits", "overhead"):
            if holder.get(name):
                holder[name] = {key: parse_quantity(text) for key, text in holder[name].items()}
    for entry in containers:
        for name in UNREAD:
            entry.pop(name, None)
    return pruned(result)


def test_recorded_templates_survive_decoding() -> None:
    with gzip.open(TEMPLATES, "rt") as lines:
        manifests = [json.loads(line) for line in lines]
    assert len(manifests) > 500
    for manifest in manifests:
        template = pod_template_from_dict(manifest, validate=False)
        assert template_manifest(template) == expected(manifest)
        assert template.spec.manifest == (manifest.get("spec") or {})
