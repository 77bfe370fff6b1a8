"""Packing pods onto nodes: arrays in, arrays out, no model object needed."""

from pyscale.packing.orders import ORDERS as ORDERS
from pyscale.packing.place import PACK_RULES as PACK_RULES
from pyscale.packing.place import PLACE_RULES as PLACE_RULES
from pyscale.packing.place import best_fit as best_fit
from pyscale.packing.place import best_fit_decreasing as best_fit_decreasing
from pyscale.packing.place import first_fit as first_fit
from pyscale.packing.place import first_fit_decreasing as first_fit_decreasing
from pyscale.packing.place import next_fit as next_fit
from pyscale.packing.place import next_fit_decreasing as next_fit_decreasing
from pyscale.packing.place import pack as pack
from pyscale.packing.place import pack_each as pack_each
from pyscale.packing.place import place as place
from pyscale.packing.place import worst_fit as worst_fit
from pyscale.packing.place import worst_fit_decreasing as worst_fit_decreasing
from pyscale.packing.result import Packing as Packing
from pyscale.packing.sequence import SequencePlacement as SequencePlacement
from pyscale.packing.sequence import place_sequence as place_sequence
