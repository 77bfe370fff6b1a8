"""Prices at which a demand is worth most, against all corners of what is allowed."""

from fractions import Fraction
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from pyscale.study.best_prices import best_prices

AMOUNT = st.integers(0, 9)


@st.composite
def problems(draw):
    n_resources = draw(st.integers(1, 3))
    amounts = st.tuples(*[AMOUNT] * n_resources)
    machines = draw(st.lists(st.tuples(amounts, st.integers(0, 20)), min_size=1, max_size=5))
    demand = draw(st.lists(st.integers(-5, 50), min_size=n_resources, max_size=n_resources))
    return demand, machines


def worth(prices, amounts):
    return sum(price * amount for price, amount in zip(prices, amounts, strict=True))


def solved(rows):
    """The solution of as many equations as unknowns by elimination, None without a single one."""
    n = len(rows)
    rows = [[Fraction(value) for value in row] for row in rows]
    for i in range(n):
        pivot = next((j for j in range(i, n) if rows[j][i]), None)
        if pivot is None:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(n):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[n] for row in rows]


def most_worth(demand, machines):
    """The largest worth at a corner; resources that no machine has, or nobody wants, are free."""
    used = [r for r in range(len(demand)) if demand[r] > 0 and any(fits[r] for fits, _ in machines)]
    n = len(used)
    if not n:
        return 0
    limits = [([fits[r] for r in used], cost) for fits, cost in machines]
    floors = [([int(i == j) for j in range(n)], 0) for i in range(n)]
    best = 0
    for chosen in combinations([*limits, *floors], n):
        corner = solved([[*row, cost] for row, cost in chosen])
        if corner is None or min(corner) < 0:
            continue
        if all(worth(corner, row) <= cost for row, cost in limits):
            best = max(best, worth(corner, [demand[r] for r in used]))
    return best


@given(problems())
def test_prices_are_allowed_and_no_others_are_worth_more(problem):
    demand, machines = problem
    prices = best_prices(demand, machines)
    assert min(prices) >= 0
    assert all(worth(prices, fits) <= cost for fits, cost in machines)
    assert all(price == 0 for price, amount in zip(prices, demand, strict=True) if amount <= 0)
    assert worth(prices, demand) == most_worth(demand, machines)


@given(problems(), st.tuples(AMOUNT, AMOUNT, AMOUNT), st.integers(0, 20))
def test_another_machine_never_makes_the_demand_dearer(problem, fits, cost):
    demand, machines = problem
    more = [*machines, (fits[: len(demand)], cost)]
    wanted = [amount if any(m[r] for m, _ in machines) else 0 for r, amount in enumerate(demand)]
    before, after = best_prices(wanted, machines), best_prices(wanted, more)
    assert worth(after, wanted) <= worth(before, wanted)


def test_large_numbers_stay_exact():
    demand, machines = [10**30 + 7, 3 * 10**31 + 1], [((2000, 4 * 2**30), 10**8 + 7)]
    prices = best_prices(demand, machines)
    assert worth(prices, machines[0][0]) == machines[0][1]
