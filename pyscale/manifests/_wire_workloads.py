"""What the decoder accepts: workloads, services and namespaces."""

from __future__ import annotations

from ._wire import Int32, LabelSelector, ObjectMeta, PodTemplate, Strings, Wire


class WorkloadSpec(Wire):
    """The fields of all kinds together; each kind has some of them."""

    template: PodTemplate | None = None
    selector: LabelSelector | None = None
    replicas: Int32 | None = None
    parallelism: Int32 | None = None
    completions: Int32 | None = None
    suspend: bool | None = None


class Workload(Wire):
    metadata: ObjectMeta | None = None
    spec: WorkloadSpec | None = None


class JobTemplate(Wire):
    metadata: ObjectMeta | None = None
    spec: WorkloadSpec | None = None


class CronJobSpec(Wire):
    schedule: str | None = None
    suspend: bool | None = None
    job_template: JobTemplate | None = None


class CronJob(Wire):
    metadata: ObjectMeta | None = None
    spec: CronJobSpec | None = None


class SelectingSpec(Wire):
    """The spec of a kind whose selector is a plain mapping."""

    selector: Strings | None = None
    replicas: Int32 | None = None
    template: PodTemplate | None = None


class Selecting(Wire):
    metadata: ObjectMeta | None = None
    spec: SelectingSpec | None = None


class Namespace(Wire):
    metadata: ObjectMeta | None = None
