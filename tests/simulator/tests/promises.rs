//! The promises of the mesh, on a bounded set of seeds.
