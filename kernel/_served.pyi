# Only for other kernel modules to cimport.
