"""The built-in renderer: mesh, speech features and references to a speaking mouth as geometry."""
