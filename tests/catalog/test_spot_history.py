"""Price histories as AWS prints them."""

import json

import pytest

from pyscale.catalog import ec2, read_spot_prices
from pyscale.errors import TraceError

HEADER = "AvailabilityZone,InstanceType,ProductDescription,SpotPrice,Timestamp\n"
ROWS = [
    ("us-west-1a", "m5.large", "Linux/UNIX", "0.0412", "2025-03-01T12:00:00+00:00"),
    ("us-west-1a", "m5.large", "Linux/UNIX", "0.0357", "2025-03-01T06:00:00Z"),
    ("us-west-1b", "m5.large", "Linux/UNIX", "0.0400", "2025-03-01T09:30:00.500Z"),
    ("us-west-1a", "m5.large", "Windows", "0.1000", "2025-03-01T06:00:00Z"),
]
SIX = 1_740_808_800 * 10**9
HOUR = 3600 * 10**9


@pytest.fixture
def history(tmp_path):
    return read_spot_prices(write_csv(tmp_path, ROWS))


def write_csv(folder, rows):
    path = folder / "prices.csv"
    path.write_text(HEADER + "".join(",".join(row) + "\n" for row in rows))
    return path


def test_a_price_holds_from_its_time_to_the_next(history):
    def price(at):
        return history.price("m5.large", "us-west-1a", at)

    assert price(SIX) == price(SIX + 6 * HOUR - 1) == 35_700_000
    assert price(SIX + 6 * HOUR) == price(SIX + 999 * HOUR) == 41_200_000


def test_before_the_first_record_the_first_price_holds(history):
    assert history.price("m5.large", "us-west-1a", 0) == 35_700_000


def test_an_offer_that_is_not_listed_has_no_price(history):
    assert history.price("c5.large", "us-west-1a", SIX) is None
    assert history.prices([("m5.large", "us-west-1b"), ("x", "y")], SIX) == [40_000_000, None]


def test_changes_are_the_recorded_times(history):
    assert history.next_change_ns(0) == SIX
    assert history.next_change_ns(SIX) == SIX + 3 * HOUR + HOUR // 2 + HOUR // 7200
    assert history.next_change_ns(SIX + 6 * HOUR) is None


def test_a_history_can_be_moved_to_the_start_of_a_trace(history):
    moved = history.starting_at(0)
    assert moved.next_change_ns(-1) == 0
    assert moved.price("m5.large", "us-west-1a", 6 * HOUR) == 41_200_000


def test_json_of_the_command_reads_alike(tmp_path, history):
    names = HEADER.strip().split(",")
    path = tmp_path / "prices.json"
    rows = [dict(zip(names, row, strict=True)) for row in ROWS]
    path.write_text(json.dumps({"SpotPriceHistory": rows}))
    assert read_spot_prices(path) == history
    assert history.n_dropped == 1


def test_another_product_can_be_asked_for(tmp_path):
    history = read_spot_prices(write_csv(tmp_path, ROWS), product="Windows")
    assert history.price("m5.large", "us-west-1a", 0) == 100_000_000
    assert history.n_dropped == 3


def test_a_catalogue_takes_the_history_instead_of_the_process(history):
    catalog = ec2("us-west-1", spot_prices=history, at_ns=SIX)
    offerings = [o for o in catalog.by_name["m5.large"].offerings if o.capacity_type == "spot"]
    assert [(o.zone, o.price) for o in offerings] == [("us-west-1a", 0.0357), ("us-west-1b", 0.04)]
    others = [o for o in catalog.by_name["m5a.large"].offerings if o.capacity_type == "spot"]
    assert not any(o.available for o in others)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, "", r"row 3, AvailabilityZone: expected a name, found ''"),
        (3, "-1", r"row 3, SpotPrice: expected US dollars per hour above 0, found '-1'"),
        (3, "nan", r"row 3, SpotPrice: expected US dollars"),
        (3, "1e400", r"row 3, SpotPrice: expected US dollars"),
        (4, "yesterday", r"row 3, Timestamp: expected a timestamp such as 2025"),
        (4, "2025-03-01T12:00:00Z", r"row 3, SpotPrice: m5.large in us-west-1a has two prices"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, column, value, message):
    rows = [list(row) for row in ROWS]
    rows[1][column] = value
    with pytest.raises(TraceError, match=message):
        read_spot_prices(write_csv(tmp_path, rows))


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("InstanceType,SpotPrice\nm5.large,1\n")
    with pytest.raises(TraceError, match="row 2, AvailabilityZone: the field is missing"):
        read_spot_prices(path)


def test_a_product_that_nobody_sells_names_those_found(tmp_path):
    with pytest.raises(TraceError, match="no row is of product 'SUSE', found 'Linux/UNIX', 'Wind"):
        read_spot_prices(write_csv(tmp_path, ROWS), product="SUSE")
