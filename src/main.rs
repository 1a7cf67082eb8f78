//! SHELL. The program: everything it can be asked for is in [`roundtable::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    roundtable::cli::run()
}
