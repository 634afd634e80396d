// The PromQL expressions of the dashboards. No panels here.
//
// Every selector uses the variables job and instance, and org if the family has that label. Audited data is the maximum over
// the replicas, never their sum, because replicas export the same organisation.

const REPLICA = 'job=~"$job", instance=~"$instance"';

/** A family of Prometheus or of the process, which has no label org. */
export const plain = (family, ...labels) => `${family}{${[REPLICA, ...labels].join(', ')}}`;

/** A family about the exporter itself, without the label org. */
export const own = (family, ...labels) => plain(`genesyscloud_oauth_exporter_${family}`, ...labels);

/** A family with the label org. `family` is its name without `genesyscloud_oauth_`. */
export const of = (family, ...labels) => plain(`genesyscloud_oauth_${family}`, 'org=~"$org"', ...labels);

/** One series for each combination of the labels, from whichever replica exports it. */
export const each = (labels, family, ...more) => `max by (${labels}) (${of(family, ...more)})`;

/**
 * The sum of a family over the organisations, by some of its labels or, with '', in total. The sum is formed for each replica first: otherwise a
 * client whose label changed would be counted twice while the replicas differ. If the sum is by that label, it is counted twice until they agree.
 */
export const sum = (by, family, ...more) => {
  const labels = by ? `, ${by}` : '';
  return `sum${by ? ` by (${by})` : ''} (max by (org${labels}) (sum by (org, job, instance${labels}) (${of(family, ...more)})))`;
};

/** The number of events of a counter around each point. */
export const events = (by, counter) => `sum by (${by}) (increase(${counter}[$__rate_interval]))`;

/** A quantile of a histogram with the label org. */
export const quantile = (q, histogram) =>
  `histogram_quantile(${q}, sum by (le) (rate(${of(`${histogram}_bucket`)}[$__rate_interval])))`;

/** Each client once, with its labels. `topk` is needed because two replicas may see a rename at different times. */
const INFO = `topk by (org, client_id) (1, ${of('client_info')})`;
export const CLIENTS = `max by (org, client_id, client_name, grant_type, state) (${INFO})`;
const WHO = `on (org, client_id) group_left (client_name, grant_type, state) ${INFO}`;

/** A vector by org, client_id and `labels`, with the labels of its client. */
export const named = (vector, ...labels) =>
  `max by (${['org', 'client_id', 'client_name', 'grant_type', ...labels].join(', ')}) (${vector} * ${WHO})`;

const grants = (kind, family, condition, labels) => {
  const vector = `${each(`org, client_id, ${kind}`, `client_dangerous_${kind}_${family}`, ...labels)} ${condition}`.trim();
  return `label_replace(label_replace(${vector}, "grant", "$1", "${kind}", "(.+)"), "kind", "${kind}", "", "")`;
};

/** Scopes and permissions in one vector. The label `grant` has the scope or permission, the label `kind` says which of the two it is. */
export const dangerous = (family, condition = '', ...labels) =>
  `(${grants('scope', family, condition, labels)} or ${grants('permission', family, condition, labels)})`;

const severityOf = (kind) =>
  `label_replace(label_replace(${each(`org, ${kind}, severity`, `dangerous_${kind}_clients`)}, "grant", "$1", "${kind}", "(.+)"), "kind", "${kind}", "", "")`;
/** The severity of each scope and permission. Two replicas may read a new policy at different times. */
const SEVERITY = `topk by (org, kind, grant) (1, group by (org, kind, grant, severity) (${severityOf('scope')} or ${severityOf('permission')}))`;

/** The unapproved grants with the labels `kind` and `grant`. The value is the time since when, 0 if that is not known. */
const UNAPPROVED_SINCE = (() => {
  const held = dangerous('unapproved', '== 1');
  const on = 'on (org, client_id, kind, grant)';
  return `(${dangerous('first_seen_timestamp_seconds')} and ${on} ${held} or ${on} ${held} * 0)`;
})();
/** The same with the label `severity`, which is missing if no client is counted for that grant. */
export const UNAPPROVED_GRANTS =
  `(${UNAPPROVED_SINCE} * on (org, kind, grant) group_left (severity) ${SEVERITY} or on (org, client_id, kind, grant) ${UNAPPROVED_SINCE})`;

/** A series if every selected organisation has data and a baseline. An organisation without data still has the time of its last attempt. */
const ALL_HAVE_A_BASELINE =
  `min(${each('org', 'baseline_loaded')} or ${each('org', 'exporter_last_refresh_attempt_timestamp_seconds')} * 0) == 1`;

/** The number of unapproved grants. It is 0 only if all organisations have a baseline, because 0 means an all-clear. */
export const UNAPPROVED = `sum(${dangerous('unapproved')}) > 0 or (${ALL_HAVE_A_BASELINE}) * 0`;

/** Differences from the baseline by a label, with zeros only if all organisations have a baseline. */
export const drift = (by) => {
  const counted = sum(by, 'baseline_drift');
  return `${counted} > 0 or ${counted} and on () ${ALL_HAVE_A_BASELINE}`;
};

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];

/** The worst open finding of each client as a number, 5 for critical to 1 for info. */
export const worst = (...labels) => {
  const one = (severity, at) =>
    `${SEVERITIES.length - at} * (${of('client_findings', ...labels, `severity="${severity}"`)} > bool 0)`;
  return `max by (org, client_id) (${SEVERITIES.map(one).join(' or ')})`;
};

const LAST_SUCCESS = each('org', 'exporter_last_refresh_success_timestamp_seconds');
/** Seconds since the last complete refresh, for the replica with the newest data. Decades before the first one: see AGE_TEXT in panels.mjs. */
export const AGE = `time() - ${LAST_SUCCESS}`;
/** The same without the decades before the first refresh, which would flatten the curve. */
export const AGE_ONCE_READ = `time() - (${LAST_SUCCESS} > 0)`;
