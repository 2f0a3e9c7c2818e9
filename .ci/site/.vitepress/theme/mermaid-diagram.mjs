// A diagram in the language of Mermaid. Until it is drawn, and without JavaScript, its source is shown.
import { useData } from 'vitepress';
import { h, onMounted, ref, useId, watch } from 'vue';

const COLORS = {
  light: {
    darkMode: false,
    background: '#ffffff',
    primaryColor: '#e4f1ef',
    primaryTextColor: '#23302f',
    primaryBorderColor: '#0f766e',
    secondaryColor: '#ffffff',
    tertiaryColor: '#f6f6f7',
    tertiaryBorderColor: '#c2c2c4',
    lineColor: '#4b5563',
    textColor: '#23302f',
    edgeLabelBackground: '#ffffff',
  },
  dark: {
    darkMode: true,
    background: '#1b1b1f',
    primaryColor: '#1d3634',
    primaryTextColor: '#e3eae9',
    primaryBorderColor: '#5ccfc2',
    secondaryColor: '#1b1b1f',
    tertiaryColor: '#202127',
    tertiaryBorderColor: '#515c67',
    lineColor: '#aab4b3',
    textColor: '#e3eae9',
    edgeLabelBackground: '#1b1b1f',
  },
};

export default {
  props: { code: { type: String, required: true } },
  setup({ code }) {
    const { isDark } = useData();
    const id = useId();
    const source = decodeURIComponent(code);
    const label = source.startsWith('sequenceDiagram') ? 'Sequence diagram' : 'Flowchart';
    const drawn = ref();

    async function draw() {
      // Only pages with a diagram load this library.
      const { default: mermaid } = await import('mermaid');
      const theme = isDark.value ? 'dark' : 'light';
      mermaid.initialize({
        startOnLoad: false,
        theme: 'base',
        themeVariables: COLORS[theme],
        fontFamily: 'inherit',
        sequence: { wrap: true, mirrorActors: false, actorMargin: 90 },
      });
      const { svg } = await mermaid.render(`diagram-${id}`, source);
      drawn.value = { role: 'img', 'aria-label': label, 'data-theme': theme, innerHTML: svg };
    }

    onMounted(() => {
      draw();
      watch(isDark, draw);
    });

    const attributes = { class: 'diagram', tabindex: 0 };
    return () => (drawn.value ? h('div', { ...attributes, ...drawn.value }) : h('pre', attributes, source));
  },
};
