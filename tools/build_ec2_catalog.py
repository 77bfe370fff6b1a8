"""Write ``pyscale/catalog/data/ec2.json.gz`` from the data of moto and apache-libcloud.

Run it once per release of the sources, with both packages installed; neither is needed by pyscale::

    pip install moto apache-libcloud
    python tools/build_ec2_catalog.py

The same versions of the sources give the same content.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import importlib.metadata
import importlib.util
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "pyscale" / "catalog" / "data" / "ec2.json.gz"
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def package_directory(package: str) -> Path:
    """Return where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed")
    return Path(spec.origin).parent


def read_gzip(path: Path) -> Any:
    """Return the JSON of a compressed file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def architecture(shape: dict[str, Any]) -> str:
    """Return the first architecture that Kubernetes has a name for, or else the first."""
    supported = shape["ProcessorInfo"]["SupportedArchitectures"]
    return next((ARCHITECTURES[a] for a in supported if a in ARCHITECTURES), supported[0])


def columns(shapes: dict[str, Any]) -> dict[str, list[Any]]:
    """Return one value per type and property, types sorted by name."""
    table: dict[str, list[Any]] = {"name": sorted(shapes)}

    def add(name: str, value: Any) -> None:
        table.setdefault(name, []).append(value)

    for type_name in table["name"]:
        shape = shapes[type_name]
        network = shape["NetworkInfo"]
        cards = {card["NetworkCardIndex"]: card for card in network["NetworkCards"]}
        ebs = shape.get("EbsInfo", {})
        is_ebs_optimized = ebs.get("EbsOptimizedSupport") == "default"
        add("vcpu", shape["VCpuInfo"]["DefaultVCpus"])
        add("memory_mib", shape["MemoryInfo"]["SizeInMiB"])
        add("architecture", architecture(shape))
        add("enis", cards[network["DefaultNetworkCardIndex"]]["MaximumNetworkInterfaces"])
        add("ipv4_per_eni", network["Ipv4AddressesPerInterface"])
        add("efas", network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0))
        bandwidth = sum(card["BaselineBandwidthInGbps"] for card in network["NetworkCards"])
        add("network_mbps", round(1000 * bandwidth))
        add("encryption_in_transit", int(network["EncryptionInTransitSupported"]))
        add("cpu_manufacturer", shape["ProcessorInfo"]["Manufacturer"])
        clock = shape["ProcessorInfo"].get("SustainedClockSpeedInGhz", 0)
        add("clock_mhz", round(1000 * clock))
        add(
            "ebs_mbps",
            ebs["EbsOptimizedInfo"]["MaximumBandwidthInMbps"] if is_ebs_optimized else 0,
        )
        add("hypervisor", shape.get("Hypervisor", ""))
        add("is_bare_metal", int(shape["BareMetal"]))
        add("is_current_generation", int(shape["CurrentGeneration"]))
        add("has_spot", int("spot" in shape["SupportedUsageClasses"]))
    return table


def devices(shapes: dict[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Return GPUs, other accelerators and local disks of the types that have them."""
    found: dict[str, dict[str, list[Any]]] = {"gpu": {}, "accelerator": {}, "disk": {}}
    for name in sorted(shapes):
        shape = shapes[name]
        gpus = shape.get("GpuInfo", {}).get("Gpus", [])
        neurons = shape.get("NeuronInfo", {}).get("NeuronDevices", [])
        others = shape.get("InferenceAcceleratorInfo", {}).get("Accelerators", [])
        if max(len(gpus), len(neurons), len(others)) > 1:
            raise SystemExit(f"{name} has devices of two kinds, expected at most one")
        for gpu in gpus:
            memory = gpu["MemoryInfo"]["SizeInMiB"]
            found["gpu"][name] = [gpu["Name"], gpu["Manufacturer"], gpu["Count"], memory]
        for other in others:
            found["accelerator"][name] = [other["Name"], other["Manufacturer"], other["Count"], 0]
        for neuron in neurons:
            cores = neuron["Count"] * neuron["CoreInfo"]["Count"]
            found["accelerator"][name] = [neuron["Name"], "AWS", neuron["Count"], cores]
        storage = shape.get("InstanceStorageInfo")
        if storage:
            is_nvme = int(storage["NvmeSupport"] != "unsupported")
            n_disks = sum(disk["Count"] for disk in storage["Disks"])
            found["disk"][name] = [storage["TotalSizeInGB"], n_disks, is_nvme]
    return found


def regions(names: list[str], offerings: Path, prices: dict[str, Any]) -> dict[str, Any]:
    """Return zones, a zone bit mask per type, and the on-demand price per type of every region."""
    found = {}
    for path in sorted(offerings.glob("*.json.gz")):
        region = path.name.removesuffix(".json.gz")
        rows = read_gzip(path)
        zones = sorted({row["Location"] for row in rows})
        masks = dict.fromkeys(names, 0)
        for row in rows:
            masks[row["InstanceType"]] |= 1 << zones.index(row["Location"])
        found[region] = {
            "zones": zones,
            "zone_mask": list(masks.values()),
            "on_demand": [prices.get(name, {}).get(region, 0) for name in names],
        }
    return found


def main() -> None:
    """Read both sources and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", type=Path, default=TARGET)
    target = parser.parse_args().target
    ec2 = package_directory("moto") / "ec2" / "resources"
    shapes = read_gzip(ec2 / "instance_types.json.gz")
    pricing = json.loads((package_directory("libcloud") / "data" / "pricing.json").read_text())
    prices = pricing["compute"]["ec2_linux"]
    listed = datetime.datetime.fromtimestamp(pricing["updated"], datetime.UTC).date()
    table = columns(shapes)
    offerings = ec2 / "instance_type_offerings" / "availability-zone"
    data = {
        "source": {
            "shapes_and_zones": f"moto {importlib.metadata.version('moto')}",
            "prices": f"apache-libcloud {importlib.metadata.version('apache-libcloud')},"
            f" ec2_linux, list of {listed}",
        },
        "types": table,
        "devices": devices(shapes),
        "regions": regions(table["name"], offerings, prices),
    }
    text = json.dumps(data, separators=(",", ":"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())
    print(f"{target}: {target.stat().st_size} bytes, {len(table['name'])} types")


if __name__ == "__main__":
    main()
