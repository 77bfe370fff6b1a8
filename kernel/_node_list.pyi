class NodeList:
    n_nodes: int
    n_active: int
    n_kinds: int
    n_images: int
    def listing(self) -> list[int]: ...
    def active_nodes(self) -> list[int]: ...
