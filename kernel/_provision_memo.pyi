from ._provision_tables import ProvisionTables

class ProvisionMemo(ProvisionTables):
    def set_hosts(self, n_hosts: int) -> None: ...
