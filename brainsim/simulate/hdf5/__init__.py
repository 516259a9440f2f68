"""HDF5 files of brainsim: written whole, sealed, and checked before they are read."""
