//! The exporter's own families, by name.
//!
//! It lists the families and their series. How they are written is decided in `exposition`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::labelled::Series;
use super::{Family, Handle, Histogram, Labelled, Metric};

/// The families of one process. Cheap to clone; the clones share the families.
#[derive(Clone, Default)]
pub struct Registry(Arc<Inner>);

/// The families by name.
type Families = BTreeMap<&'static str, (Family, Arc<dyn Series>)>;

#[derive(Default)]
struct Inner {
    families: Mutex<Families>,
    changes: Arc<AtomicU64>,
}

/// Why a family was not registered: a mistake in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Another family has the name.
    #[error("the metric family {0} is registered already")]
    Twice(&'static str),
    /// The family has another type, or another number of labels.
    #[error("the metric family {0} has another type or other labels than its declaration")]
    Other(&'static str),
}

/// A family and its series.
#[derive(Debug)]
pub struct Listed {
    /// The family.
    pub family: Family,
    /// For each series, the label values in the order in which the family declares its labels, and the handle.
    pub series: Vec<(Vec<Box<str>>, Handle)>,
}

impl Registry {
    /// Adds a family of counters, gauges or amounts. It has no series yet.
    pub fn add<M: Metric + Default, const N: usize>(&self, family: &Family) -> Result<Labelled<M, N>, RegisterError> {
        self.insert(family, M::default)
    }

    /// Adds a family without labels.
    pub fn add_single<M: Metric + Default>(&self, family: &Family) -> Result<M, RegisterError> {
        Ok(self.add(family)?.with([]))
    }

    /// Adds a family without labels whose only series exists already.
    pub fn add_existing<M: Metric>(&self, family: &Family, metric: M) -> Result<(), RegisterError> {
        self.insert::<M, 0>(family, move || metric.clone())?.with([]);
        Ok(())
    }

    /// Adds a family of histograms with these finite upper bounds, which ascend. It has no series yet.
    pub fn add_histograms<const N: usize>(
        &self,
        family: &Family,
        bounds: &'static [f64],
    ) -> Result<Labelled<Histogram, N>, RegisterError> {
        self.insert(family, move || Histogram::new(bounds))
    }

    fn insert<M: Metric, const N: usize>(
        &self,
        family: &Family,
        start: impl Fn() -> M + Send + Sync + 'static,
    ) -> Result<Labelled<M, N>, RegisterError> {
        if family.labels.len() != N || !M::KINDS.contains(&family.kind) {
            return Err(RegisterError::Other(family.name));
        }
        let mut families = self.families();
        if families.contains_key(family.name) {
            return Err(RegisterError::Twice(family.name));
        }
        let series = Labelled::new(start, Arc::clone(&self.0.changes));
        families.insert(family.name, (*family, Arc::new(series.clone())));
        Ok(series)
    }

    /// How often series were added or removed. If it is the same, [`Self::list`] returns the same series.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// Removes every series that has this value of this label.
    pub fn remove(&self, label: &str, value: &str) {
        for (family, series) in self.families().values() {
            if let Some(position) = family.labels.iter().position(|known| *known == label) {
                series.remove(position, value);
            }
        }
    }

    /// The families that have series, sorted by name.
    pub fn list(&self) -> Vec<Listed> {
        let families = self.families();
        let listed = families.values().map(|(family, series)| Listed { family: *family, series: series.list() });
        listed.filter(|listed| !listed.series.is_empty()).collect()
    }

    fn families(&self) -> MutexGuard<'_, Families> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.families().keys()).finish()
    }
}

#[cfg(any(test, feature = "fixtures"))]
impl Registry {
    /// The values of the counters and gauges of this family that have all of these labels.
    #[expect(clippy::cast_precision_loss, reason = "tests count less than 2^53")]
    pub fn values(&self, family: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let listed = self.list();
        let Some(Listed { family, series }) = listed.iter().find(|listed| listed.family.name == family) else {
            return Vec::new();
        };
        let has = |values: &[Box<str>], (name, value): &(&str, &str)| {
            family.labels.iter().zip(values).any(|(known, has)| known == name && **has == **value)
        };
        let matching = series.iter().filter(|(values, _)| labels.iter().all(|label| has(values, label)));
        matching
            .filter_map(|(_, handle)| match handle {
                Handle::Counter(counter) => Some(counter.get() as f64),
                Handle::Gauge(gauge) => Some(gauge.get() as f64),
                Handle::Amount(amount) => Some(amount.get()),
                Handle::Histogram(_) => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Counter, Gauge, Kind};

    const FAMILY: Family = Family { name: "b_total", kind: Kind::Counter, labels: &["x"], help: "Help." };

    #[test]
    fn a_family_is_registered_once_with_the_type_and_the_labels_that_it_declares() {
        let registry = Registry::default();
        let other = Err(RegisterError::Other("b_total"));
        assert_eq!(registry.add::<Counter, 0>(&FAMILY).map(drop), other);
        assert_eq!(registry.add::<Counter, 2>(&FAMILY).map(drop), other);
        assert_eq!(registry.add::<Gauge, 1>(&FAMILY).map(drop), other);
        assert_eq!(registry.add_histograms::<1>(&FAMILY, &[1.0]).map(drop), other);
        assert_eq!(registry.add::<Counter, 1>(&FAMILY).map(drop), Ok(()));
        assert_eq!(registry.add::<Counter, 1>(&FAMILY).map(drop), Err(RegisterError::Twice("b_total")));
    }

    #[test]
    fn families_with_series_are_listed_by_name_and_every_new_series_is_noticed() {
        let registry = Registry::default();
        let b: Labelled<Counter, 1> = registry.add(&FAMILY).expect("a free name");
        assert!(registry.list().is_empty());
        let existing = Counter::default();
        existing.add(7);
        let a = Family { name: "a_total", labels: &[], ..FAMILY };
        registry.add_existing(&a, existing).expect("a free name");
        let before = registry.changes();
        b.with(["1"]);
        assert_eq!(registry.changes(), before + 1);
        b.with(["1"]);
        assert_eq!(registry.changes(), before + 1, "it is not new");
        let names: Vec<&str> = registry.list().iter().map(|listed| listed.family.name).collect();
        assert_eq!(names, ["a_total", "b_total"]);
        assert_eq!(registry.values("a_total", &[]), [7.0]);
    }

    #[test]
    fn the_series_of_a_label_value_are_removed_from_every_family_that_has_the_label() {
        let registry = Registry::default();
        let one: Labelled<Counter, 1> = registry.add(&FAMILY).expect("a free name");
        let other = Family { name: "c_total", labels: &["y", "x"], ..FAMILY };
        let two: Labelled<Counter, 2> = registry.add(&other).expect("a free name");
        for value in ["gone", "kept"] {
            one.with([value]).inc();
            two.with(["gone", value]).inc();
        }
        let before = registry.changes();
        registry.remove("x", "gone");
        assert!(registry.changes() > before, "the text is laid out again");
        for family in ["b_total", "c_total"] {
            assert_eq!(registry.values(family, &[]).len(), 1, "{family}");
            assert_eq!(registry.values(family, &[("x", "kept")]), [1.0], "{family}");
        }
    }
}
