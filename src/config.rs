//! The settings file: one TOML file, strict, with environment overrides. It only assembles the settings that modules own.
