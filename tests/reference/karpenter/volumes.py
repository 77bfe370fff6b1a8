"""Persistent volumes: alternatives, per-driver limits, validation."""

from .labels import HOSTNAME
from .requirements import Requirements, make_requirement, requirements_from_expressions

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
# In-tree provisioner names are translated to the CSI driver that serves them.
CSI_NAMES = {"kubernetes.io/aws-ebs": "ebs.csi.aws.com"}


class UnknownVolume(Exception):
    """A PersistentVolume or StorageClass that a claim names does not exist."""


class Volumes:
    def __init__(self, case_input):
        self.claims = {
            (claim["metadata"]["namespace"], claim["metadata"]["name"]): claim
            for claim in case_input.get("persistentVolumeClaims", ())
        }
        self.persistent_volumes = {
            volume["metadata"]["name"]: volume for volume in case_input.get("persistentVolumes", ())
        }
        self.storage_classes = {
            cls["metadata"]["name"]: cls for cls in case_input.get("storageClasses", ())
        }

    @staticmethod
    def claim_names(pod):
        """The names of the claims that back the pod's volumes."""
        for volume in pod.spec.get("volumes", ()):
            if "persistentVolumeClaim" in volume:
                yield volume["persistentVolumeClaim"]["claimName"]
            elif "ephemeral" in volume:
                yield f"{pod.name}-{volume['name']}"

    def claims_of(self, pod):
        claims = (self.claims.get((pod.namespace, name)) for name in self.claim_names(pod))
        return [claim for claim in claims if claim is not None]

    def claims_by_driver(self, pod):
        """CSI driver → the distinct claims of the pod; claims with an unknown driver are
        ignored."""
        by_driver = {}
        for claim in self.claims_of(pod):
            driver = self.driver_of(claim)
            if driver:
                by_driver.setdefault(driver, set()).add(
                    (claim["metadata"]["namespace"], claim["metadata"]["name"])
                )
        return by_driver

    def driver_of(self, claim):
        spec = claim["spec"]
        if spec.get("volumeName"):
            volume = self.persistent_volumes.get(spec["volumeName"]) or {}
            return volume.get("spec", {}).get("csi", {}).get("driver")
        storage_class = self.storage_classes.get(spec.get("storageClassName"))
        if storage_class is None:
            return None
        return CSI_NAMES.get(storage_class["provisioner"], storage_class["provisioner"])

    def alternatives(self, pod):
        """Requirement sets of which a node has to meet one, in order; [None] when nothing is
        required.

        The cross product over the volumes; combinations without intersection are left out unless
        none would remain.
        """
        combined = [None]
        for claim in self.claims_of(pod):
            choices = self.alternatives_of_claim(claim)
            if not choices:
                continue
            pairs = [(left, right) for left in combined for right in choices]
            possible = [
                (left, right) for left, right in pairs if left is None or left.intersects(right)
            ]
            combined = [
                right if left is None else left.merged_with(right)
                for left, right in possible or pairs
            ]
        return combined

    def alternatives_of_claim(self, claim):
        spec = claim["spec"]
        if spec.get("volumeName"):
            volume = self.persistent_volumes.get(spec["volumeName"])
            if volume is None:
                raise UnknownVolume(spec["volumeName"])
            return self.alternatives_of_volume(volume)
        if spec.get("storageClassName"):
            storage_class = self.storage_classes.get(spec["storageClassName"])
            if storage_class is None:
                raise UnknownVolume(spec["storageClassName"])
            terms = [
                term["matchLabelExpressions"] for term in storage_class.get("allowedTopologies", ())
            ]
            return [
                Requirements().add(
                    make_requirement(item["key"], "In", item["values"]) for item in term
                )
                for term in terms
                if term
            ]
        return []

    @staticmethod
    def alternatives_of_volume(volume):
        """Local volumes lose hostname expressions: a replacement node may not have the old name."""
        local = "local" in volume["spec"] or "hostPath" in volume["spec"]
        alternatives = []
        for term in (
            volume["spec"].get("nodeAffinity", {}).get("required", {}).get("nodeSelectorTerms", ())
        ):
            expressions = term.get("matchExpressions") or []
            if expressions:
                kept = [
                    expression
                    for expression in expressions
                    if not (local and expression["key"] == HOSTNAME)
                ]
                alternatives.append(requirements_from_expressions(kept))
        return alternatives

    def invalid_reason(self, pod):
        """Why the pod's claims make provisioning ignore it, or None."""
        for name in self.claim_names(pod):
            claim = self.claims.get((pod.namespace, name))
            reason = "is missing" if claim is None else self.invalid_claim_reason(claim)
            if reason:
                return f"volume claim {name} {reason}"
        return None

    def invalid_claim_reason(self, claim):
        metadata, spec = claim["metadata"], claim["spec"]
        if metadata.get("deletionTimestamp"):
            return "is being deleted"
        if claim.get("status", {}).get("phase") == "Lost":
            return "is lost"
        if spec.get("volumeName"):
            volume = self.persistent_volumes.get(spec["volumeName"])
            if volume is None or volume["metadata"].get("deletionTimestamp"):
                return "is bound to a volume that is missing or being deleted"
            if BIND_COMPLETED not in (metadata.get("annotations") or {}):
                return "has not completed binding"
            return None
        if not spec.get("storageClassName"):
            return "is unbound and has no storage class"
        storage_class = self.storage_classes.get(spec["storageClassName"])
        if storage_class is None:
            return "has an unknown storage class"
        if storage_class.get("volumeBindingMode", "Immediate") == "Immediate":
            return "is unbound and its class binds immediately"
        return None
