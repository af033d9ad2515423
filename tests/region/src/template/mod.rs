//! Templates.
use std::collections::BTreeMap;
use crate::world::World;
use crate::lambda::FunctionConfig;
/// x
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);
/// x
#[derive(Debug, Clone)]
pub struct Stack { /// x
 pub functions: BTreeMap<String, FunctionConfig> }
/// x
pub fn load(_: &mut World, _:&str, _:&str, _: &BTreeMap<String,String>) -> Result<Stack, Error> { Err(Error(String::new())) }
