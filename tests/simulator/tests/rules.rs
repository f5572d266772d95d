//! A rule that is left out is missed: some promise breaks.
