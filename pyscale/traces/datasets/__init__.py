"""Public traces by name: where they are, how to get them, and what was checked."""

from __future__ import annotations

from .conversion import convert
from .download import cache_folder, fetch, locate
from .registry import DATASETS, Dataset, DatasetFile, get_dataset, list_datasets

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetFile",
    "cache_folder",
    "convert",
    "fetch",
    "get_dataset",
    "list_datasets",
    "locate",
]
