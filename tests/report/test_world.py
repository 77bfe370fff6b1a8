"""The options of a world in words."""

from pyscale.report.world import world_options
from pyscale.simulation import SimulationOptions


def test_the_default_world_is_told_in_durations():
    told = world_options(SimulationOptions().to_dict())
    assert told.startswith("Options of the world: boot 1 min, capacity retry 1 min, notice 2 min,")
    assert told.endswith("; all others are off.")


def test_what_is_set_by_type_or_offering_is_named():
    options = SimulationOptions(
        boot_ns_by_type={"m5.large": 90_000_000_000},
        capacity={("m5.large", "a", "spot"): 3},
        epoch_ns=1_767_225_600_000_000_000,
    )
    told = world_options(options.to_dict())
    assert "boot by type m5.large 1 min 30 s" in told
    assert "capacity m5.large/a/spot 3" in told
    assert "epoch 2026-01-01 00:00 UTC" in told
