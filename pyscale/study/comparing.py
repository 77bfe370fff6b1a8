"""The main job: one trace, one catalogue, several policies."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace

from pyscale.model.catalog import Catalog
from pyscale.model.pod_table import PodTable
from pyscale.policies.base import Policy, Scheduler
from pyscale.policies.registry import resolve_policy, resolve_scheduler
from pyscale.simulation.engine import simulate
from pyscale.simulation.inputs import PodSource
from pyscale.simulation.options import SimulationOptions
from pyscale.simulation.pod_autoscaling import PodAutoscaling, resolve_pod_autoscaling
from pyscale.simulation.result import Result

from .comparison import Comparison
from .least_cost import least_costs

Policies = Mapping[str, Policy | str] | Iterable[Policy | str] | str


def compare(
    trace: PodTable | PodSource,
    policies: Policies,
    *,
    catalog: Catalog | None = None,
    scheduler: Scheduler | str | None = None,
    seed: int = 0,
    options: SimulationOptions | None = None,
    pod_autoscaler: PodAutoscaling | str | None = None,
    jobs: int = 1,
    on_result: Callable[[Result], None] | None = None,
) -> Comparison:
    """Run a trace under several policies and set the results side by side.

    Parameters
    ----------
    trace : Trace or PodTable
    policies : sequence or mapping of Policy or str
        Autoscalers, or their names; ``"ca,karpenter"`` is two names.  A mapping gives each the
        name of its column; otherwise equal names get a number.
    catalog : Catalog, optional
        ``pyscale.catalog.ec2("us-east-1")`` by default.
    scheduler : Scheduler or str, optional
        Binds pods in all runs; kube-scheduler by default.
    seed : int
        The same for all runs.
    options : SimulationOptions, optional
        The same world for all runs.
    pod_autoscaler : PodAutoscaling or str, optional
        What decides on replicas from the trace's load in all runs; see :func:`simulate`.
    jobs : int
        Runs at a time.  More than 1 uses processes: a script then needs the usual
        ``if __name__ == "__main__":``, and policies must be picklable.
    on_result : callable, optional
        Told of every run when it ends, in the order of their ends.

    Returns
    -------
    Comparison
        In the order of the policies, whatever ``jobs`` is.  After Ctrl-C it has what was finished:
        runs that had not begun are left out.

    Raises
    ------
    ValueError
        If there is no policy, or ``jobs`` is below 1; and as :func:`simulate` does.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be >= 1, found {jobs}")
    named = _named(policies)
    if catalog is None:
        from pyscale.catalog import ec2

        catalog = ec2("us-east-1")
    binder = resolve_scheduler(scheduler)
    autoscaling = resolve_pod_autoscaling(pod_autoscaler)
    tasks = [
        (name, trace, policy, catalog, binder, seed, options, autoscaling) for name, policy in named
    ]
    tell = on_result or _nobody
    if min(jobs, len(tasks)) > 1:
        found = _in_processes(tasks, min(jobs, len(tasks)), tell)
    else:
        found = _one_by_one(tasks, tell)
    results = tuple(result for result in found if result is not None)
    # Whoever interrupts wants to see what there is.
    is_complete = bool(results) and all(result.is_complete for result in results)
    return Comparison(results, least_costs(results, catalog) if is_complete else ())


Task = tuple[
    str,
    PodTable | PodSource,
    Policy,
    Catalog,
    Scheduler,
    int,
    SimulationOptions | None,
    PodAutoscaling | None,
]


def _named(policies: Policies) -> list[tuple[str, Policy]]:
    if isinstance(policies, Mapping):
        named = [(name, resolve_policy(policy)) for name, policy in policies.items()]
    else:
        given = policies.split(",") if isinstance(policies, str) else policies
        found = [resolve_policy(p.strip() if isinstance(p, str) else p) for p in given]
        named = []
        taken: dict[str, int] = {}
        for policy in found:
            taken[policy.name] = taken.get(policy.name, 0) + 1
            number = taken[policy.name]
            named.append((policy.name if number == 1 else f"{policy.name} {number}", policy))
    if not named:
        raise ValueError("policies: expected at least one, found none")
    return named


def _run(task: Task) -> Result:
    name, trace, policy, catalog, scheduler, seed, options, autoscaling = task
    result = simulate(
        trace,
        policy,
        catalog,
        scheduler=scheduler,
        seed=seed,
        options=options,
        pod_autoscaler=autoscaling,
    )
    return replace(result, name=name)


def _nobody(result: Result) -> None:
    pass


def _one_by_one(tasks: Sequence[Task], tell: Callable[[Result], None]) -> list[Result | None]:
    results: list[Result | None] = []
    for task in tasks:
        result = _run(task)
        results.append(result)
        tell(result)
        if not result.is_complete:
            break
    return results + [None] * (len(tasks) - len(results))


def _in_processes(
    tasks: Sequence[Task], jobs: int, tell: Callable[[Result], None]
) -> list[Result | None]:
    def ended(future: Future[Result]) -> None:
        if not future.cancelled() and (result := _finished(future)) is not None:
            tell(result)

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures: list[Future[Result]] = [pool.submit(_run, task) for task in tasks]
        for future in futures:
            future.add_done_callback(ended)
        try:
            return [future.result() for future in futures]
        except KeyboardInterrupt:
            # The workers got it, too: each gives back the part that it finished.
            for future in futures:
                future.cancel()
            return [None if future.cancelled() else _finished(future) for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def _finished(future: Future[Result]) -> Result | None:
    error = future.exception()
    return None if error is not None else future.result()
