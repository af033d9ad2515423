//! init-instance
