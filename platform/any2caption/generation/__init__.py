"""Video generators behind one interface; `previs` needs nothing but a CPU."""
