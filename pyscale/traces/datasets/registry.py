"""The public traces that pyscale can read, by name, with their sources and checksums."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file of a dataset.

    Attributes
    ----------
    name : str
        Name of the file in the cache and in a local copy.
    url : str
        Where it is published.
    sha256 : str, optional
        Checksum, None where none is known; the first download is then trusted and remembered.
    size : int, optional
        Bytes.
    unpacked : bool
        Whether the checksum is of the decompressed content: archives compress anew now and then.
    """

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None
    unpacked: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """A public trace.

    Attributes
    ----------
    name : str
        Name for :func:`~pyscale.traces.datasets.fetch`.
    title : str
        What it holds, in one line.
    format : str
        Name of the reader, for :func:`~pyscale.traces.load_trace`.
    main : str
        The file that ``fetch`` returns the path of.
    files : tuple of DatasetFile
        All files.
    licence : str
        The licence as its publisher states it.
    cite : str
        Whom to acknowledge.
    page : str
        Where the publisher describes it.
    """

    name: str
    title: str
    format: str
    main: str
    files: tuple[DatasetFile, ...]
    licence: str
    cite: str
    page: str

    @property
    def size(self) -> int | None:
        """Bytes of all files, None where one is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def file(self, name: str) -> DatasetFile:
        """Return one file by name.

        Raises
        ------
        ValueError
            If the dataset has no such file.
        """
        for file in self.files:
            if file.name == name:
                return file
        names = ", ".join(file.name for file in self.files)
        raise ValueError(f"dataset {self.name}: expected one of {names}, found {name!r}")


_ALIBABA = "https://raw.githubusercontent.com/alibaba/clusterdata"
_AZURE_BLOB = "https://azurepublicdatasettraces.blob.core.windows.net"
_GITHUB = "https://raw.githubusercontent.com"

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="openb",
            title="Alibaba GPU cluster 2023: 1,523 nodes, 8,152 pods, and resampled pod lists",
            format="openb",
            main="openb_pod_list_default.csv",
            files=(
                DatasetFile(
                    "openb_node_list_all_node.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_node_list_all_node.csv",
                    "5a85c2af79c66a1efff8bbcbda430400aae56d8431370d738480967e1a9c6b15",
                    52287,
                ),
                DatasetFile(
                    "openb_node_list_gpu_node.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_node_list_gpu_node.csv",
                    "2beca64b4d3dfa342036a34b56a495c6cef9225db836c81f541282cb1df320b5",
                    42353,
                ),
                DatasetFile(
                    "openb_pod_list_cpu050.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_cpu050.csv",
                    "747f43247bffc2b0bb081d7f61f0705ca8d390dafc0b647e642c92f3baf3ba1e",
                    525811,
                ),
                DatasetFile(
                    "openb_pod_list_cpu100.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_cpu100.csv",
                    "bec1c33fbdde61fd463877534ec79b393aec73e1cbb22d55fab9f166ac480982",
                    554709,
                ),
                DatasetFile(
                    "openb_pod_list_cpu250.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_cpu250.csv",
                    "134c21ff96d57533df8a37b67632972884fec9396e77cd0898ddc370cc8e607d",
                    663708,
                ),
                DatasetFile(
                    "openb_pod_list_default.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_default.csv",
                    "1ee7ed79c27a3b0861cda8ddba86a004c6aba904caafa329a76ae93ca63834a8",
                    575468,
                ),
                DatasetFile(
                    "openb_pod_list_gpushare100.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpushare100.csv",
                    "12dbc07d6a49bf8641e2275a2ff5bf7be74b5df7d148d531e135b140b95f9a3d",
                    561220,
                ),
                DatasetFile(
                    "openb_pod_list_gpushare40.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpushare40.csv",
                    "d83ce79a4eb6987524bedbb0c65e41aed3a36bf6c1b78b86234c3687a07e1d40",
                    572662,
                ),
                DatasetFile(
                    "openb_pod_list_gpushare60.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpushare60.csv",
                    "d31809628128a1f24491086eda4af3e23882b9213d3ef57a56ee2d1af69492fe",
                    566361,
                ),
                DatasetFile(
                    "openb_pod_list_gpushare80.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpushare80.csv",
                    "88b6649369ced40d0fde287d2498ea61ff4b05fccba8bdc95daf6042f2f8431e",
                    563740,
                ),
                DatasetFile(
                    "openb_pod_list_gpuspec10.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpuspec10.csv",
                    "2dc7e4cb9480484f08539720b433a9ec9ab5d76b396f3f7557c53a2ff78a7611",
                    579461,
                ),
                DatasetFile(
                    "openb_pod_list_gpuspec20.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpuspec20.csv",
                    "6b9b89ab8913c1c074e994e98f548cf1a872fc5f76f2442ca8cd514a478b00a9",
                    582612,
                ),
                DatasetFile(
                    "openb_pod_list_gpuspec33.csv",
                    f"{_ALIBABA}/b937928cf81f0edb6fe33634d01f2069a8d6ab17/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_gpuspec33.csv",
                    "eca4f746db1e5b25864ad021b55ece3943e101a3ebd4574d09dcb95c46117652",
                    587467,
                ),
                DatasetFile(
                    "openb_pod_list_multigpu20.csv",
                    f"{_ALIBABA}/b937928cf81f0edb6fe33634d01f2069a8d6ab17/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_multigpu20.csv",
                    "d9ec6f6c74fb980cc0b81239470c6353fceea077ea9abd610003b604c7cc2b01",
                    271530,
                ),
                DatasetFile(
                    "openb_pod_list_multigpu30.csv",
                    f"{_ALIBABA}/50a91c7c74abe3b658188dc78ac1dd302970d40c/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_multigpu30.csv",
                    "a5e479c6444b1d83eef848159cf00c3cfa13441b2d1e2c113c391b91f1cc5b11",
                    277920,
                ),
                DatasetFile(
                    "openb_pod_list_multigpu40.csv",
                    f"{_ALIBABA}/0c9677bb156ded9c63ca40d9aa54cd31d3e75061/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_multigpu40.csv",
                    "32c9e8731ca07ef96108aa65f2a289bb9aacb47f642ed9e3789f99b242df60eb",
                    286202,
                ),
                DatasetFile(
                    "openb_pod_list_multigpu50.csv",
                    f"{_ALIBABA}/b937928cf81f0edb6fe33634d01f2069a8d6ab17/cluster-trace-gpu-v2023/"
                    "csv/openb_pod_list_multigpu50.csv",
                    "206f2f5959db30ecb7c44e7f13197c8ec50b7a35558ad3777cc3662ef0fe5373",
                    297219,
                ),
            ),
            licence="Apache-2.0 (hkust-adsl/kubernetes-scheduler-simulator)",
            cite="Weng et al., Beware of Fragmentation, USENIX ATC 2023",
            page="https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2023",
        ),
        Dataset(
            name="alibaba-2017",
            title="Alibaba 2017 batch tasks, cleaned extract: 2,551,075 instances in 31,756 groups",
            format="alibaba-2017",
            main="v2017_batch_tasks_cloudsimpy.csv",
            files=(
                DatasetFile(
                    "v2017_batch_tasks_cloudsimpy.csv",
                    f"{_GITHUB}/RobertLexis/CloudSimPy/master/playground/Non_DAG/jobs_files/"
                    "jobs.csv",
                    "b422d8aa185fe5025b139d6843d6d49b91fab486c487df4d606aa52fffba4a2b",
                    1921566,
                ),
            ),
            licence="MIT (extract); the Alibaba 2017 trace states none",
            cite="Alibaba cluster trace 2017; extract by CloudSimPy",
            page="https://github.com/RobertLexis/CloudSimPy",
        ),
        Dataset(
            name="alibaba-gpu-2025",
            title="Alibaba GPU 2025: 23,871 instances of disaggregated recommendation models",
            format="alibaba-gpu-2025",
            main="gpu2025_disaggregated_DLRM_trace.csv",
            files=(
                DatasetFile(
                    "gpu2025_disaggregated_DLRM_trace.csv",
                    f"{_ALIBABA}/358ef992044f8393cb17d750e360cb5c26b7bdae/cluster-trace-gpu-v2025/"
                    "disaggregated_DLRM_trace.csv",
                    "fb17bc4b3f412d5280f70f04a1bdf2adfc4429d1e61237a5b106e86206414295",
                    2118900,
                ),
            ),
            licence="none stated",
            cite="Yang et al., GPU-Disaggregated Serving, NSDI 2025",
            page="https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2025",
        ),
        Dataset(
            name="alibaba-genai-2026",
            title="Alibaba GenAI 2026: request rates and LoRA requests, a load signal",
            format="alibaba-genai-lora",
            main="genai2026_lora_request_trace.csv",
            files=(
                DatasetFile(
                    "genai2026_lora_request_trace.csv",
                    f"{_ALIBABA}/7a6c496e4f4b6ce6150be8f881cb051bf2abff42/"
                    "cluster-trace-v2026-GenAI/lora_request_trace.csv",
                    "263fb88f1095f62d360cf89ded8cfc24fa2c5d111c1b16e7aaa9ccbfc4b37d78",
                    2012418,
                ),
                DatasetFile(
                    "genai2026_qps.tar.gz",
                    f"{_ALIBABA}/3ad34e70d18de3cf58ad5d659b48949f46060581/"
                    "cluster-trace-v2026-GenAI/qps.tar.gz",
                    "6bd1a21e3f916740df1e768fc43346148f1598b15fcc68c658a8faf1f87461c6",
                    119651,
                ),
            ),
            licence="none stated",
            cite="Alibaba cluster trace v2026-GenAI",
            page="https://github.com/alibaba/clusterdata/tree/master/cluster-trace-v2026-GenAI",
        ),
        Dataset(
            name="azure-llm-2023",
            title="Azure LLM inference 2023: 28,185 requests of two services, a load signal",
            format="azure-llm",
            main="AzureLLMInferenceTrace_conv.csv",
            files=(
                DatasetFile(
                    "AzureLLMInferenceTrace_code.csv",
                    f"{_GITHUB}/Azure/AzurePublicDataset/790921015d50dd6aae7f7e47f39ba0e235ad6b08/"
                    "data/AzureLLMInferenceTrace_code.csv",
                    "54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6",
                    320117,
                ),
                DatasetFile(
                    "AzureLLMInferenceTrace_conv.csv",
                    f"{_GITHUB}/Azure/AzurePublicDataset/790921015d50dd6aae7f7e47f39ba0e235ad6b08/"
                    "data/AzureLLMInferenceTrace_conv.csv",
                    "2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8",
                    719188,
                ),
            ),
            licence="CC-BY-4.0",
            cite="Patel et al., Splitwise, ISCA 2024",
            page="https://github.com/Azure/AzurePublicDataset/blob/master/AzureLLMInferenceDataset2023.md",
        ),
        Dataset(
            name="azure-llm-2024",
            title="Azure LLM inference 2024: one week of two services, a load signal",
            format="azure-llm",
            main="AzureLLMInferenceTrace_conv_1week.csv",
            files=(
                DatasetFile(
                    "AzureLLMInferenceTrace_code_1week.csv",
                    f"{_AZURE_BLOB}/azurellminfererencetrace/AzureLLMInferenceTrace_code_1week.csv",
                ),
                DatasetFile(
                    "AzureLLMInferenceTrace_conv_1week.csv",
                    f"{_AZURE_BLOB}/azurellminfererencetrace/AzureLLMInferenceTrace_conv_1week.csv",
                ),
            ),
            licence="CC-BY-4.0",
            cite="Stojkovic et al., DynamoLLM, HPCA 2025",
            page="https://github.com/Azure/AzurePublicDataset/blob/master/AzureLLMInferenceDataset2024.md",
        ),
        Dataset(
            name="azure-functions-2019",
            title="Azure Functions 2019: 14 days of invocations per minute (tar.xz, unpack it)",
            format="azure-functions-2019",
            main="azurefunctions-dataset2019.tar.xz",
            files=(
                DatasetFile(
                    "azurefunctions-dataset2019.tar.xz",
                    f"{_AZURE_BLOB}/azurepublicdatasetv2/azurefunctions_dataset2019/"
                    "azurefunctions-dataset2019.tar.xz",
                ),
            ),
            licence="CC-BY-4.0",
            cite="Shahrad et al., Serverless in the Wild, USENIX ATC 2020",
            page="https://github.com/Azure/AzurePublicDataset/blob/master/AzureFunctionsDataset2019.md",
        ),
        Dataset(
            name="azure-functions-2021",
            title="Azure Functions 2021: two weeks of single invocations (rar, unpack it)",
            format="azure-functions-2021",
            main="AzureFunctionsInvocationTraceForTwoWeeksJan2021.rar",
            files=(
                DatasetFile(
                    "AzureFunctionsInvocationTraceForTwoWeeksJan2021.rar",
                    "https://github.com/Azure/AzurePublicDataset/raw/master/data/"
                    "AzureFunctionsInvocationTraceForTwoWeeksJan2021.rar",
                ),
            ),
            licence="CC-BY-4.0",
            cite="Zhang et al., Harvested Resources, SOSP 2021",
            page="https://github.com/Azure/AzurePublicDataset/blob/master/AzureFunctionsInvocationTrace2021.md",
        ),
        Dataset(
            name="azure-vm-2017",
            title="Azure VM 2017: 2,013,767 virtual machines of 30 days",
            format="azure-vm",
            main="vmtable.csv.gz",
            files=(
                DatasetFile(
                    "vmtable.csv.gz",
                    f"{_AZURE_BLOB}/azurepublicdataset/trace_data/vmtable/vmtable.csv.gz",
                ),
            ),
            licence="CC-BY-4.0",
            cite="Cortez et al., Resource Central, SOSP 2017",
            page="https://github.com/Azure/AzurePublicDataset/blob/master/AzurePublicDatasetV1.md",
        ),
        Dataset(
            name="google-2011",
            title="Google ClusterData 2011: machines and the first of 500 parts of the tasks",
            format="google-2011",
            main="task_events-part-00000-of-00500.csv.gz",
            files=(
                DatasetFile(
                    "task_events-part-00000-of-00500.csv.gz",
                    "https://storage.googleapis.com/clusterdata-2011-2/task_events/"
                    "part-00000-of-00500.csv.gz",
                ),
                DatasetFile(
                    "machine_events-part-00000-of-00001.csv.gz",
                    "https://storage.googleapis.com/clusterdata-2011-2/machine_events/"
                    "part-00000-of-00001.csv.gz",
                ),
            ),
            licence="CC-BY-4.0",
            cite="Reiss et al., Google cluster-usage traces, 2011",
            page="https://github.com/google/cluster-data/blob/master/ClusterData2011_2.md",
        ),
        Dataset(
            name="nasa-ipsc-1993",
            title="NASA Ames iPSC/860, 1993: 18,239 jobs on 128 nodes",
            format="swf",
            main="NASA-iPSC-1993-3.1-cln.swf.gz",
            files=(
                DatasetFile(
                    "NASA-iPSC-1993-3.1-cln.swf.gz",
                    "https://www.cs.huji.ac.il/labs/parallel/workload/l_nasa_ipsc/"
                    "NASA-iPSC-1993-3.1-cln.swf.gz",
                    "12ab94d009c084bd3ef80117e3cd80ebba58c93f8593f3784ad43c76ee8a047a",
                    unpacked=True,
                ),
            ),
            licence="free for research; acknowledge Bill Nitzberg and the archive",
            cite="Feitelson and Nitzberg, JSSPP 1995",
            page="https://www.cs.huji.ac.il/labs/parallel/workload/l_nasa_ipsc/",
        ),
        Dataset(
            name="simkube-examples",
            title="SimKube's example traces: bare pods, a cron job, a scaling social network",
            format="simkube",
            main="dsb-scaling.sktrace",
            files=(
                DatasetFile(
                    "bare-pods.sktrace",
                    f"{_GITHUB}/acrlabs/simkube/main/examples/traces/bare-pods.sktrace",
                    "4cb094ac7e0b8fd3fc45514a31cda4057a9b676e91d4c0314c6853a6dd973c39",
                    5302,
                ),
                DatasetFile(
                    "cronjob.sktrace",
                    f"{_GITHUB}/acrlabs/simkube/main/examples/traces/cronjob.sktrace",
                    "853666dbe8db6ca7c6dc8a6120279b7a0804b5265708083a70223ee7b5af1ea7",
                    1620,
                ),
                DatasetFile(
                    "dsb-scaling.sktrace",
                    f"{_GITHUB}/acrlabs/simkube/main/examples/traces/dsb-scaling.sktrace",
                    "9ae910256a7f0fe1815f13ab1638c499b9938e2005c9b36ef0a5fea160bd9326",
                    67327,
                ),
            ),
            licence="MIT",
            cite="acrlabs/simkube",
            page="https://github.com/acrlabs/simkube",
        ),
    )
}
"""Every known dataset by name."""


def list_datasets() -> tuple[Dataset, ...]:
    """Return every known dataset, by name.

    Examples
    --------
    >>> from pyscale.traces.datasets import list_datasets
    >>> [dataset.name for dataset in list_datasets()][0]
    'alibaba-2017'
    """
    return tuple(DATASETS[name] for name in sorted(DATASETS))


def get_dataset(name: str) -> Dataset:
    """Return one dataset.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in DATASETS:
        raise ValueError(f"expected one of {', '.join(sorted(DATASETS))}, found {name!r}")
    return DATASETS[name]
