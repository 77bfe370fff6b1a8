"""Reserved offerings held by in-flight claims."""


class Reservations:
    def __init__(self, instance_types):
        """The capacity of a reservation is the smallest one that any type advertises for it."""
        self.capacity = {}
        self.held = {}
        for instance_type in instance_types:
            for offering in instance_type.offerings:
                if offering.capacity_type == "reserved":
                    known = self.capacity.get(
                        offering.reservation_id, offering.reservation_capacity
                    )
                    self.capacity[offering.reservation_id] = min(
                        known, offering.reservation_capacity
                    )

    def can_reserve(self, hostname, offering):
        return (
            offering.reservation_id in self.held.get(hostname, ())
            or self.capacity[offering.reservation_id] > 0
        )

    def hold(self, hostname, offerings):
        """The claim now holds exactly these: one unit of each reservation, whatever the number
        of its offerings."""
        wanted = {offering.reservation_id for offering in offerings}
        before = self.held.get(hostname, set())
        for reservation_id in wanted - before:
            self.capacity[reservation_id] -= 1
        for reservation_id in before - wanted:
            self.capacity[reservation_id] += 1
        self.held[hostname] = wanted
