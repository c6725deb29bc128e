/**
 * The parts of ECharts that are used, as a file of its own that is loaded when the first chart is.
 */
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

// On a canvas: drawn as SVG, or with tooltips of HTML, a chart would write style attributes, which the policy forbids.
use([BarChart, LineChart, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

export { init };
