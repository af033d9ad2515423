#![allow(missing_docs)]
pub mod bench;
pub mod demand;
pub mod history;
pub mod outcome;
pub mod policy;
pub mod pool;
pub mod row;
pub mod verdict;
