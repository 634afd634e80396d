// The pieces of PromQL that the dashboards are made of. No panels here.
//
// Every selector is bound to the variables job and instance, and to org where the family has that label. What was audited is
// taken as a maximum over the replicas of a pair, never as their sum: both tell of the same organisation.

const REPLICA = 'job=~"$job", instance=~"$instance"';

/** A family of Prometheus or of the process, which has no organisation. */
export const plain = (family, ...labels) => `${family}{${[REPLICA, ...labels].join(', ')}}`;

/** A family of the exporter's own without the label org. */
export const own = (family, ...labels) => plain(`genesyscloud_oauth_exporter_${family}`, ...labels);

/** A family with the label org; `family` goes without `genesyscloud_oauth_`. */
export const of = (family, ...labels) => plain(`genesyscloud_oauth_${family}`, 'org=~"$org"', ...labels);

/** One series for each value of the labels, whichever replica tells it. */
export const each = (labels, family, ...more) => `max by (${labels}) (${of(family, ...more)})`;

/**
 * The sum of a family over the organisations, by some of its labels or, with '', altogether. It is added up for each replica first: while replicas
 * differ, a client that only changed a label would be counted twice otherwise. By that very label it is, until both have seen it.
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

/** Each client once with its labels. `topk`, since two replicas may see a rename at different times. */
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

/** Scopes and permissions in one vector: what is held is in `grant`, which of the two it is in `kind`. */
export const dangerous = (family, condition = '', ...labels) =>
  `(${grants('scope', family, condition, labels)} or ${grants('permission', family, condition, labels)})`;

/** A series where every organisation that is chosen has data and a baseline. One that is not served has times of attempts still. */
const ALL_HAVE_A_BASELINE =
  `min(${each('org', 'baseline_loaded')} or ${each('org', 'exporter_last_refresh_attempt_timestamp_seconds')} * 0) == 1`;

/** The number of grants that nobody approved. 0 would be an all-clear, and is told where all organisations can give it. */
export const UNAPPROVED = `sum(${dangerous('unapproved')}) > 0 or (${ALL_HAVE_A_BASELINE}) * 0`;

/** Differences from the baseline by a label, with zeros where all organisations have one. */
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
/** Seconds since the last complete refresh, of the replica that is best off. Before the first these are decades: see panels.mjs, AGE_TEXT. */
export const AGE = `time() - ${LAST_SUCCESS}`;
/** The same, and nothing before the first: decades would flatten a curve. */
export const AGE_ONCE_READ = `time() - (${LAST_SUCCESS} > 0)`;
