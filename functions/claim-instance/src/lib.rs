//! claim-instance
