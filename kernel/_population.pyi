class Population:
    now: int
    node_version: int
    n_classes: int
    n_resources: int
    n_pods: int
    n_later: int
    n_nodes: int
