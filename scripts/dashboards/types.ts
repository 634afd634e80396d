// The types of our dashboards, based on Grafana's types. check.mjs generates a JSON Schema from each type that is exported here.
// Grafana's Panel does not type options and custom fields; here each kind of panel has those of its plugin.

import type { AnnotationQuery, Dashboard as GrafanaDashboard, DataSourceRef, FieldConfig as GrafanaFieldConfig, FieldConfigSource, Panel as GrafanaPanel, RowPanel, VariableModel } from '@grafana/schema';
import type * as bargaugeOf from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as gaugeOf from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as piechartOf from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as statOf from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timelineOf from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as tableOf from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseriesOf from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A query of the Prometheus data source, whose type is not in @grafana/schema. */
interface Target {
  refId: string;
  datasource: DataSourceRef;
  editorMode: 'code';
  expr: string;
  legendFormat: string;
  format: 'time_series' | 'table';
  instant: boolean;
  range: boolean;
}

/** An annotation of the Prometheus data source. */
interface Annotation extends Omit<AnnotationQuery, 'target'> {
  target: { refId: 'Anno'; expr: string; interval: string };
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime: boolean;
}

interface Panel<Type, Options, Custom> extends Omit<GrafanaPanel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  id: number;
  type: Type;
  title: string;
  options: Options;
  fieldConfig: { defaults: Omit<GrafanaFieldConfig, 'custom'> & { custom?: Custom }; overrides: FieldConfigSource['overrides'] };
  targets: Target[];
}

/** A panel without custom fields. */
type None = Record<string, never>;

export interface Dashboard extends Omit<GrafanaDashboard, 'panels' | 'annotations' | 'templating'> {
  annotations: { list: Annotation[] };
  templating: { list: VariableModel[] };
  panels: unknown[];
}

export interface row extends RowPanel { id: number }
export type bargauge = Panel<'bargauge', bargaugeOf.Options, None>;
export type gauge = Panel<'gauge', gaugeOf.Options, None>;
export type piechart = Panel<'piechart', piechartOf.Options, piechartOf.FieldConfig>;
export type stat = Panel<'stat', statOf.Options, None>;
export type statetimeline = Panel<'state-timeline', timelineOf.Options, timelineOf.FieldConfig>;
export type table = Panel<'table', tableOf.Options, tableOf.FieldConfig>;
export type timeseries = Panel<'timeseries', timeseriesOf.Options, timeseriesOf.FieldConfig>;

/** Single properties, as in overrides. */
export type Field = Partial<Omit<GrafanaFieldConfig, 'custom'>>;
export type TableField = Partial<tableOf.FieldConfig>;
export type TimeseriesField = Partial<timeseriesOf.FieldConfig>;
export type TimelineField = Partial<timelineOf.FieldConfig>;
export type PieField = Partial<piechartOf.FieldConfig>;
