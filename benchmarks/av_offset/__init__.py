"""Whether sound and pictures of a result stay together: flashes are measured against claps."""
