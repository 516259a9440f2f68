"""HDF5 files of brainsim: written completely, sealed, and checked before they are read."""
