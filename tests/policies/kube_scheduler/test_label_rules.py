"""What is wrong with label keys and values, in upstream's words."""

from pyscale.policies.kube_scheduler.label_rules import label_key_problems, label_value_problems


def test_lengths_count_in_bytes():
    assert label_key_problems("k" * 63) == ()
    assert label_key_problems("k" * 64) == ("name part must be no more than 63 bytes",)
    assert label_key_problems("a" * 254 + "/k") == ("prefix part must be no more than 253 bytes",)
    assert label_value_problems("v" * 64) == ("must be no more than 63 bytes",)
    assert label_value_problems("é" * 32)[0] == "must be no more than 63 bytes"
