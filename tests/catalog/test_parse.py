"""Catalogues by name."""

import pytest

from pyscale.catalog import fake, fake_assorted, kwok, parse_catalog
from pyscale.errors import InvalidObjectError, TraceError


def test_names_give_their_catalogues(tmp_path):
    assert parse_catalog("kwok") is kwok()
    assert parse_catalog("fake-assorted") is fake_assorted()
    assert parse_catalog("fake:5") == fake(5)
    assert parse_catalog("ec2:eu-west-1").region == "eu-west-1"
    path = tmp_path / "mine.csv"
    path.write_text("name,cpu,memory,zone,price\nx,1,1Gi,a,1\n")
    assert parse_catalog(str(path)).by_name["x"].offerings[0].price == 1.0


def test_the_seed_moves_spot_prices():
    assert parse_catalog("ec2:us-west-1", seed=1) != parse_catalog("ec2:us-west-1", seed=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kwk", r"catalogue 'kwk': expected ec2:REGION, kwok, .*: did you mean kwok\?"),
        ("ec2:us-eats-1", "unknown region 'us-eats-1': did you mean us-east-1"),
        ("ec2:", "unknown region ''"),
        ("fake:0", "expected fake:N with N from 1 to 100000, found '0'"),
        ("fake:x", "found 'x'"),
        ("gce:europe", "expected ec2:REGION"),
    ],
)
def test_other_names_are_refused(text, message):
    with pytest.raises(InvalidObjectError, match=message):
        parse_catalog(text)


def test_a_table_that_is_not_there_is_named():
    with pytest.raises(TraceError, match=r"nowhere.csv: cannot be read"):
        parse_catalog("nowhere.csv")
